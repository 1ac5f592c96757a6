"""The segments.toml of `readiness init` can be read, whatever actions and sources are called."""

from datetime import datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from features.conditions.segments import parse_segments
from features.starter.guesses import guess_points
from features.starter.segments import segments_text
from tests.features.lead_databases import event, opened

START = datetime(2026, 1, 1)


def text_for(actions, sources=()):
    leads = [
        {"lead_id": number, "created_at": START, "source": source}
        for number, source in enumerate([None, *sources])
    ]
    events = [event(0, START, action) for action in actions]
    with opened(leads, events) as database:
        return segments_text(database, guess_points)


def test_segments_are_made_of_the_names_in_the_data() -> None:
    text = text_for(["visited_pricing", "watched_webinar", "unsubscribed", "opened"], ["b", "a;b "])
    segments = parse_segments(text, Path("segments.toml"))
    assert segments.names == [
        "came back on five days",
        "serious interest, last 30 days",
        "read up three times",
        "quiet for 14 days",
        "active, asked for nothing",
        "signed off",
        "came by a b",
        "came by b",
    ]
    (webinar,) = segments.named("read up three times").any
    assert (webinar.action, webinar.at_least) == ("watched_webinar", 3)
    (source,) = segments.named("came by a b").all
    assert (source.attribute, source.is_) == ("source", ["a;b "])


def test_the_examples_in_its_head_are_conditions() -> None:
    text = text_for(["opened"])
    examples = [line for line in text.splitlines() if line.startswith("#   {")]
    bare = [line.removeprefix("#   ").split("}")[0] + "}" for line in examples]
    assert len(bare) == 5
    written = "\n".join(f'[[segment]]\nname = "{n}"\nall = [{one}]' for n, one in enumerate(bare))
    assert len(parse_segments(written, Path("segments.toml")).names) == 5


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@settings(max_examples=25, deadline=None)
@given(st.lists(names, min_size=1, max_size=6), st.lists(names, max_size=6))
def test_any_name_survives(actions: list[str], sources: list[str]) -> None:
    parse_segments(text_for([f"Chat{action}" for action in actions], sources), Path("s.toml"))
