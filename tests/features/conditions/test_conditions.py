"""Conditions hold where their plain-Python reading over the raw events does.

The lead of the worked example was created on 2026-01-05 and is from Austria (AT); 80 employees. It

    opened /pricing/teams     on 2026-02-01 09:00 and 17:00, and on 2026-02-20 10:00
    ordered for 120           on 2026-02-20 11:00

and did nothing since. At the cutoff 2026-03-02 00:00 its last event is 9 days and 13 hours old.
"""

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.catalog import catalog
from features.conditions.conditions import Condition, Conditions
from features.config import Features
from features.engine.duckdb_engine import feature_frame
from features.errors import BadInput
from features.open_database import open_database
from features.toml import parse_toml
from tests.features import oracle
from tests.features.adversarial import ACTIONS, ATTRIBUTES, CONTENTS, SOURCES, databases
from tests.features.engine.test_features_equal_oracle import register, snapshots_of
from tests.features.lead_databases import at, config_for, event, opened, write_database

CUTOFF = at("2026-03-02")
LEAD = {"lead_id": 1, "created_at": at("2026-01-05"), "country": "AT", "employees": 80}
EVENTS = [
    event(1, at("2026-02-01 09:00"), "opened", content="/pricing/teams", source="paid_search"),
    event(1, at("2026-02-01 17:00"), "opened", content="/pricing/teams"),
    event(1, at("2026-02-20 10:00"), "opened", content="/pricing/teams"),
    event(1, at("2026-02-20 11:00"), "ordered", value=120.0, source="mail"),
]
TYPES = {"country": pa.string(), "employees": pa.int64()}


def parsed(text):
    return Condition.model_validate(tomllib.loads(f"x = {text}")["x"])


def judged(condition, lead=LEAD, events=EVENTS, cutoff=CUTOFF):
    """Whether it holds of the one lead, through staging and engine."""
    with opened([lead], events, attributes=TYPES, features={"attributes": list(TYPES)}) as database:
        snapshots = register(database, [(lead, cutoff)])
        return bool(condition.holds(feature_frame(snapshots, condition.specs))[0])


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('{action = "opened"}', True),
        ('{action = "opened", at_least = 3}', True),
        ('{action = "opened", at_least = 4}', False),
        ('{action = "opened", on_days_at_least = 2}', True),
        ('{action = "opened", on_days_at_least = 3}', False),
        ('{action = "opened", at_most = 2}', False),
        ('{action = "opened", content = "/pricing/*", window_days = 10}', True),
        ('{action = "opened", content = "/pricing", window_days = 10}', False),
        ('{action = "opened", window_days = 9}', False),
        ('{action = "opened", source = "paid_*"}', True),
        ('{action = "ordered", value_from = 100, value_below = 121}', True),
        ('{action = "ordered", value_from = 121}', False),
        ('{action = "called", at_most = 0}', True),
        ('{at_least = 4, window_days = 60}', True),
        ('{quiet_days = 9}', True),
        ('{quiet_days = 10}', False),
        ('{quiet_days = 10, action = "called"}', True),
        ('{quiet_days = 56, action = "called"}', False),
        ('{attribute = "country", is = ["DE", "AT"]}', True),
        ('{attribute = "country", is = "DE"}', False),
        ('{attribute = "employees", from = 50, below = 250}', True),
        ('{attribute = "employees", from = 81}', False),
        ('{attribute = "employees", below = 80}', False),
        ('{attribute = "employees", is = [80]}', True),
        ('{attribute = "employees", is = ["80"]}', True),
        ('{first_source = "paid_*"}', True),
        ('{first_source = "mail"}', False),
        ('{last_source = "mail"}', True),
    ],
)  # fmt: skip
def test_of_the_worked_example(text, holds):
    assert judged(parsed(text)) == holds


def test_a_lead_is_not_quiet_before_it_is_so_old():
    """Created on 2026-01-05, without an event: quiet for 14 days from 2026-01-19 on, not at it."""
    quiet, first = parsed("{quiet_days = 14}"), at("2026-01-19")
    assert not judged(quiet, events=[], cutoff=first)
    assert judged(quiet, events=[], cutoff=first + timedelta(microseconds=1))


def test_what_is_unknown_never_holds():
    unknown = LEAD | {"country": None, "employees": None}
    for text in (
        '{attribute = "country", is = "AT"}',
        '{attribute = "employees", from = 0}',
        '{attribute = "employees", below = 1000}',
        '{first_source = "*"}',
    ):
        assert not judged(parsed(text), unknown, events=[])
    none = Conditions.model_validate({"none": [{"attribute": "country", "is": "AT"}]})
    assert judged(none, unknown)


def test_a_text_attribute_that_the_model_has_as_a_number_is_compared_all_the_same():
    number, text = parsed('{attribute = "n", is = 80}'), parsed('{attribute = "n", is = "80"}')
    rows = [LEAD | {"n": "80"}, LEAD | {"n": "eighty"}, LEAD | {"n": None}]
    rows = [row | {"lead_id": place} for place, row in enumerate(rows)]
    with opened(
        rows, [], attributes={"n": pa.string()}, features={"attributes": ["n"]}
    ) as database:
        snapshots = register(database, [(row, CUTOFF) for row in rows])
        frames = [feature_frame(snapshots, each.specs) for each in (number, text)]
    for frame in frames:
        assert number.holds(frame).tolist() == text.holds(frame).tolist() == [True, False, False]


def holds_by_hand(condition, lead, events, cutoff):
    """The docstring of Condition, read as loops."""
    past = oracle.known(events, cutoff)
    if condition.attribute:
        value = oracle.as_text(lead[condition.attribute])
        if condition.is_ is not None:
            return value is not None and value in condition.is_
        value = oracle.number(value)
        low = -1e400 if condition.from_ is None else condition.from_
        high = 1e400 if condition.below is None else condition.below
        return value is not None and low <= value < high
    if condition.first_source is not None:
        return oracle.is_meant(oracle.seen(past, "source", min), condition.first_source)
    if condition.last_source is not None:
        return oracle.is_meant(oracle.seen(past, "source", max), condition.last_source)
    events = oracle.having(oracle.of(past, condition.action), condition)
    if condition.quiet_days is not None:
        latest = max([lead["created_at"], *(each["occurred_at"] for each in events)])
        return cutoff - latest > timedelta(days=condition.quiet_days)
    events = oracle.within(events, cutoff, condition.window_days)
    days = {each["occurred_at"].date() for each in events}
    if condition.on_days_at_least is not None and len(days) < condition.on_days_at_least:
        return False
    least = condition.at_least
    if least is None:
        least = 1 if condition.at_most is condition.on_days_at_least is None else 0
    return least <= len(events) <= (1e9 if condition.at_most is None else condition.at_most)


def maybe(values):
    return st.none() | values


PATTERNS = st.sampled_from(
    ["*", "/pri*ng", "/pricing", "/Pricing", "*a*", "", "o'clock", "1*", "'*'"]
)
EVENT = {
    "action": maybe(st.sampled_from(ACTIONS)),
    "content": maybe(PATTERNS | st.sampled_from(CONTENTS[1:])),
    "source": maybe(PATTERNS | st.sampled_from(SOURCES[1:])),
    "value_from": maybe(st.sampled_from([-5.0, 0.0, 1.5])),
    "value_below": maybe(st.sampled_from([1.6, 2000.0])),
}
OFTEN = {
    "window_days": maybe(st.sampled_from([1, 3, 7])),
    "at_least": maybe(st.integers(1, 2)),
    "at_most": maybe(st.integers(2, 3)),
    "on_days_at_least": maybe(st.integers(1, 3)),
}
SOME_CONDITION = st.one_of(
    st.fixed_dictionaries(EVENT | OFTEN).filter(lambda each: set(each.values()) != {None}),
    st.fixed_dictionaries(EVENT | {"quiet_days": st.sampled_from([1, 2, 7, 40])}),
    st.fixed_dictionaries(
        {"attribute": st.sampled_from(["region", 'odd "name"']), "is": st.lists(st.sampled_from(
            [*SOURCES[1:], "x"]), min_size=1)}),
    st.just({"attribute": "is_eu", "is": [True]}),
    st.fixed_dictionaries(
        {"attribute": st.sampled_from(["employees", "revenue"]), "from": st.just(-0.5)},
        optional={"below": st.sampled_from([3.0, 1e12])}),
    st.fixed_dictionaries({"first_source": PATTERNS}),
    st.fixed_dictionaries({"last_source": PATTERNS}),
)  # fmt: skip
LIST = st.lists(SOME_CONDITION, max_size=3)
COMBINED = st.fixed_dictionaries({"all": LIST, "any": LIST, "none": LIST}).filter(
    lambda combined: any(combined.values())
)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(databases(), st.lists(COMBINED, min_size=8, max_size=8))
def test_conditions_hold_where_the_loops_say_so(rows, definitions):
    combined = [Conditions.model_validate(each) for each in definitions]
    snapshots = sorted(snapshots_of(rows), key=lambda pair: (pair[1], pair[0]["lead_id"]))
    listed = {"attributes": list(ATTRIBUTES)}
    with opened(rows.leads, rows.events, attributes=ATTRIBUTES, features=listed) as database:
        registered = register(database, snapshots)
        specs = {spec.name: spec for each in combined for spec in each.specs}
        frame = feature_frame(registered, list(specs.values()))
    own = {lead["lead_id"]: [] for lead in rows.leads}
    for each in rows.events:
        own[each["lead_id"]].append(each)
    for conditions in combined:
        expected = []
        for lead, cutoff in snapshots:
            past = (lead, own[lead["lead_id"]], cutoff)
            alls, anys, nones = (
                [holds_by_hand(each, *past) for each in listed]
                for listed in (conditions.all, conditions.any, conditions.none)
            )
            expected.append(all(alls) and (any(anys) or not anys) and not any(nones))
        assert conditions.holds(frame).tolist() == expected, conditions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{atribute = "x", is = 1}', r"all.0.atribute: unknown key; did you mean attribute\?"),
        ('{attribute = "x", iss = 1}', r"all.0.iss: unknown key; did you mean is\?"),
        ('{attribute = "x", is = [1, "a"]}', "all.0.is: names one text or number, or a list of"),
        ('{attribute = "x", is = []}', "all.0.is: names one text or number, or a list of"),
        ('{attribute = "x"}', "what of the attribute x. Say is, from or below"),
        ('{attribute = "x", is = 1, from = 1}', "either is, or from and below"),
        ('{attribute = "x", from = 3, below = 3}', r"from \(3\) must lie below below \(3\)"),
        ("{}", "all.0: asks for nothing"),
        ("{quiet_days = 3, at_least = 2}", "at_least does not go with quiet_days: two conditions"),
        ('{action = "a", is = "b"}', "is does not go with an event"),
        ('{action = "a", at_least = 3, at_most = 2}', "at_least 3 is more than at_most 2"),
        ('{action = "a", at_least = 0}', "all.0.at_least: should be greater than or equal to 1"),
        ('{action = "a", window_days = 1.5}', "all.0.window_days: should be a valid integer"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_message(text, message):
    with pytest.raises(BadInput) as refused:
        parse_toml(f"all = [{text}]", Path("rules.toml"), Conditions)
    fault = str(refused.value)
    assert fault.startswith("rules.toml has 1 fault:\n")
    assert re.search(message, fault), fault


def test_an_attribute_that_is_not_listed_is_staged_for_conditions_alone(tmp_path):
    write_database(tmp_path, [LEAD], EVENTS, attributes=TYPES)
    condition = parsed('{attribute = "country", is = "AT"}')
    with open_database(config_for(tmp_path), condition.specs) as database:
        assert database.attributes == {}
        assert "country" not in str(catalog(Features(), database.actions, database.attributes))
        snapshots = register(database, [(LEAD, CUTOFF)])
        assert condition.holds(feature_frame(snapshots, condition.specs)).tolist() == [True]


def test_an_attribute_that_leads_do_not_have_is_refused(tmp_path):
    write_database(tmp_path, [LEAD], EVENTS, attributes=TYPES)
    specs = parsed('{attribute = "land", is = "AT"}').specs
    message = "asks for land, which the table leads does not have. It has: lead_id,"
    with pytest.raises(BadInput, match=message), open_database(config_for(tmp_path), specs):
        pass


def test_no_condition_at_all_is_refused():
    with pytest.raises(ValidationError, match="asks for nothing"):
        Conditions.model_validate({"all": []})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{action = "opened"}', "opened the mail at least once so far"),
        (
            '{action = "opened", content = "/a*", window_days = 7, at_least = 2}',
            "opened the mail (content /a*) at least 2 times in the last 7 days",
        ),
        ('{action = "opened", at_most = 0}', "opened the mail not once so far"),
        ('{action = "chat", at_least = 2, at_most = 2}', "chat 2 times so far"),
        ('{action = "chat", on_days_at_least = 2}', "chat on at least 2 days so far"),
        ('{quiet_days = 14, action = "opened"}', 'no "opened the mail" for 14 days'),
        ('{attribute = "staff", from = 50, below = 1e4}', "staff from 50, below 10,000"),
        ('{attribute = "country", is = ["DE", "AT"]}', "country is DE or AT"),
        ('{first_source = "ads"}', "first source ads"),
    ],
)
def test_in_words(text, words):
    assert parsed(text).words({"opened": "opened the mail"}) == words
