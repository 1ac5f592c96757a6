"""The gate of the time to close: promises against the simulator's true chances, free of luck."""

import pytest

from benchmarks.timing import study, true_coverage, truth_error
from features.config import load
from features.simulator.simulate import simulate, write
from features.starter.starter import write_starter
from tests.conftest import edit

pytestmark = pytest.mark.long
LEADS, SEED = 8_000, 7


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A study of the test cutoffs, and the world that knows the truth beyond the data end."""
    folder = tmp_path_factory.mktemp("company")
    world = simulate(LEADS, SEED)
    write(world, folder)
    write_starter(folder)
    edit(folder, cutoff_every_days=14)
    return study(load(folder)), world


@pytest.mark.parametrize("days", [7, 30, 60, 90, 180])
def test_promises_are_true_on_the_whole_and_tenth_by_tenth(result, days):
    study, world = result
    promised = study.chosen.chances(study.frame, study.readiness, [days])[:, 0]
    truth = world.true_probability(study.frame[["lead_id", "cutoff"]], days)
    one = study.chosen.pooled[days]
    print(f"\n{days}: {promised.mean():.4f} {truth.mean():.4f} {truth_error(promised, truth):.4f}")
    assert promised.mean() == pytest.approx(truth.mean(), rel=0.15)
    assert truth_error(promised, truth) < 0.25 * truth.mean()
    error, of_one = ((promised - truth) ** 2).mean(), ((one - truth) ** 2).mean()
    assert error < 0.8 * of_one


def test_about_half_of_the_true_wins_lie_in_the_middle_half(result):
    study, world = result
    middle, median = true_coverage(study.chosen, study, world)
    print(f"\nin the middle half {middle:.3f}, by the median {median:.3f}")
    assert 0.42 < middle < 0.58
    assert 0.42 < median < 0.58


def test_who_is_said_to_postpone_does_so_more_often_and_closes_later(result):
    study, world = result
    snapshots = study.frame[["lead_id", "cutoff"]]
    marked = study.chosen.postpones(study.frame, study.readiness)
    ready = (study.readiness >= study.chosen.ready_from) & ~marked
    hidden = world.intents(snapshots) == "postponed"
    assert hidden[marked].mean() > 3 * hidden.mean()
    soon, late = (world.true_probability(snapshots, days) for days in (30, 180))
    assert soon[marked].mean() / late[marked].mean() < 0.8 * soon[ready].mean() / late[ready].mean()
    assert late[marked].mean() > 1.5 * late.mean()
