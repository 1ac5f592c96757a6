"""What is ahead, and by how much: recorded by the items and the work themselves."""

import threading

import pytest

from features.engine.ahead import one_ahead


def test_the_next_is_worked_on_while_one_is_used():
    """Used is 0, and 1 gets done, though nobody has asked for it yet."""
    done = [threading.Event() for _ in range(3)]

    def work(thing):
        done[thing].set()
        return thing * 10

    coming = one_ahead(work, iter(range(3)))
    assert next(coming) == 0
    assert done[1].wait(10)
    assert not done[2].is_set()
    assert list(coming) == [10, 20]


def test_things_come_from_the_caller_s_thread_and_work_is_done_on_another():
    here, read, worked = threading.get_ident(), [], []

    def things():
        for thing in range(3):
            read.append(threading.get_ident())
            yield thing

    def work(thing):
        worked.append(threading.get_ident())
        return thing

    assert list(one_ahead(work, things())) == [0, 1, 2]
    assert set(read) == {here}
    assert len(set(worked)) == 1
    assert here not in worked


@pytest.mark.parametrize("fails", ["work", "things"])
def test_what_goes_wrong_is_raised_at_its_place(fails):
    def things():
        yield from (1, 2)
        if fails == "things":
            raise ValueError("at the third")
        yield 0

    coming = one_ahead(lambda thing: 1 / thing, things())
    assert next(coming) == 1
    with pytest.raises(ValueError if fails == "things" else ZeroDivisionError):
        list(coming)


def test_closed_early_it_waits_for_what_it_began_and_begins_no_more():
    begun, threads = [], threading.active_count()
    coming = one_ahead(begun.append, iter(range(9)))
    next(coming)
    coming.close()
    assert begun == [0, 1]
    assert threading.active_count() == threads


def test_nothing_gives_nothing():
    assert list(one_ahead(str, iter(()))) == []
