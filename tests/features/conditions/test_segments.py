"""Segments are read strictly, hold where the loops over the raw events say so, and as features keep
the definition that they were made with."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.catalog import catalog
from features.conditions.segments import (
    InSegment,
    Segment,
    Segments,
    load_segments,
    opted_in,
    parse_segments,
)
from features.config import Features
from features.engine.duckdb_engine import feature_frame
from features.errors import BadInput
from features.snapshots import Snapshots
from features.spec.compiled import compile_specs
from features.spec.kinds import Attribute, Count
from features.stored import from_dict, to_dict
from tests.features.adversarial import ATTRIBUTES, databases
from tests.features.conditions.test_conditions import COMBINED, holds_by_hand
from tests.features.engine.test_features_equal_oracle import register, snapshots_of
from tests.features.engine.test_no_future import one_past_two_futures
from tests.features.lead_databases import LEADS, at, config_for, event, opened

TEXT = """
[[segment]]
name = "quiet for 14 days"
all = [{quiet_days = 14}]

[[segment]]
name = "Größe 名 🙂 [b] 50% 'x' \\"y\\""
any = [{action = "visit", at_least = 2}, {attribute = "n", from = 1}]
none = [{action = "mail"}]
"""
HOSTILE = "Größe 名 🙂 [b] 50% 'x' \"y\""
QUICK = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def parsed(text):
    return parse_segments(text, Path("segments.toml"))


def segments_of(definitions):
    return Segments(
        tuple(
            Segment.model_validate(each | {"name": f"s{n}"}) for n, each in enumerate(definitions)
        )
    )


def test_names_and_conditions_are_read():
    segments = parsed(TEXT)
    assert segments.names == ["quiet for 14 days", HOSTILE]
    assert segments.named(HOSTILE).none[0].action == "mail"
    assert parsed("") == Segments()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[segmnt]]\nname = "a"', r"segmnt: unknown key; did you mean segment\?"),
        ('[[segment]]\nname = "a"\nal = []', r"segment.0.al: unknown key; did you mean all\?"),
        ('[[segment]]\nname = "a"', "segment.0: asks for nothing"),
        ("[[segment]]\nall = [{at_least = 5}]", "segment.0.name: is required"),
        ('[[segment]]\nname = ""\nall = [{at_least = 5}]', "must be one line of text"),
        ('[[segment]]\nname = "a; b"\nall = [{at_least = 5}]', "without a semicolon"),
        ('[[segment]]\nname = "a "\nall = [{at_least = 5}]', "without blanks at its ends"),
        ('[[segment]]\nname = "a\\nb"\nall = [{at_least = 5}]', "must be one line of text"),
        (f'[[segment]]\nname = "{"a" * 61}"\nall = [{{at_least = 5}}]', "longer than 60 letters"),
        (2 * '[[segment]]\nname = "a"\nall = [{at_least = 5}]\n', "two segments are called 'a'"),
        ("[[segment", "is not valid TOML"),
    ],
)
def test_what_makes_no_sense_is_refused(text, message):
    with pytest.raises(BadInput, match=message):
        parsed(text)


def test_the_examples_of_the_guide_are_segments():
    guide = (Path(__file__).parents[3] / "docs" / "segments.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in guide.split("```toml")[1:]]
    assert len(parsed("\n".join(blocks)).names) == 6


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match=r"no segment 'quiet 14'; did you mean 'quiet for 14 days'"):
        parsed(TEXT).named("quiet 14")
    with pytest.raises(BadInput, match=r"segments\.toml has none"):
        Segments().named("a")


def test_no_file_no_segments_but_none_that_is_a_feature(tmp_path):
    assert load_segments(config_for(tmp_path)) == Segments()
    assert opted_in(config_for(tmp_path)) == ()
    config = config_for(tmp_path, features={"segments": ["a"]})
    with pytest.raises(
        BadInput, match=r"features\.segments in .*no segment 'a'; segments.toml has"
    ):
        opted_in(config)
    (tmp_path / "segments.toml").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        load_segments(config_for(tmp_path))


@QUICK
@given(databases(), st.lists(COMBINED, min_size=6, max_size=6))
def test_members_and_features_are_those_of_the_loops(rows, definitions):
    segments = segments_of(definitions)
    features = [each.feature for each in segments.segments]
    stored = [from_dict(json.loads(json.dumps(to_dict(each)))) for each in features]
    assert stored == features
    snapshots = sorted(snapshots_of(rows), key=lambda pair: (pair[1], pair[0]["lead_id"]))
    listed = {"attributes": list(ATTRIBUTES)}
    with opened(rows.leads, rows.events, attributes=ATTRIBUTES, features=listed) as database:
        registered = register(database, snapshots)
        frame = feature_frame(registered, segments.specs)
        as_features = feature_frame(registered, [stored[0], Count(), *stored[1:]])
    own = {lead["lead_id"]: [] for lead in rows.leads}
    for each in rows.events:
        own[each["lead_id"]].append(each)
    members = segments.members(frame)
    assert members.dtypes.tolist() == [bool] * 6
    for segment in segments.segments:
        expected = []
        for lead, cutoff in snapshots:
            past = (lead, own[lead["lead_id"]], cutoff)
            alls, anys, nones = (
                [holds_by_hand(each, *past) for each in conditions]
                for conditions in (segment.all, segment.any, segment.none)
            )
            expected.append(all(alls) and (any(anys) or not anys) and not any(nones))
        assert members[segment.name].tolist() == expected
        assert as_features[segment.feature.name].tolist() == [float(held) for held in expected]
    joined = [
        "; ".join(name for name, held in zip(segments.names, row, strict=True) if held)
        for row in members.to_numpy()
    ]
    assert segments.joined(frame) == joined
    names = ["lead_id", "cutoff", "segment(s0)", "count_all", "segment(s1)"]
    assert as_features.columns[:5].tolist() == names


@QUICK
@given(one_past_two_futures(), st.lists(COMBINED, min_size=4, max_size=4))
def test_another_future_changes_no_segment(futures, conditions):
    one, other, cutoff = futures
    features = [each.feature for each in segments_of(conditions).segments]
    frames = []
    for rows in (one, other):
        listed = {"attributes": list(ATTRIBUTES)}
        with opened(rows.leads, rows.events, rows.deals, ATTRIBUTES, features=listed) as database:
            frames.append(feature_frame(Snapshots.open_at(database, [cutoff]), features))
    pd.testing.assert_frame_equal(*frames, check_exact=True)


@given(COMBINED)
@settings(max_examples=50)
def test_a_feature_carries_the_whole_definition(definition):
    (segment,) = segments_of([definition]).segments
    again = segment.feature.conditions
    assert again.model_dump() == segment.model_dump(exclude={"name"})
    assert again.specs == segment.specs


def test_a_definition_of_another_version_is_refused():
    for definition in ('{"all": [{"moon_phase": 1}]}', "no json", "[]"):
        with pytest.raises(BadInput, match=r"segment 'a' is defined in a way .*Train a new model"):
            compile_specs([InSegment("a", definition)])


def test_the_catalog_has_the_segments_asked_for_and_no_other(tmp_path):
    (tmp_path / "segments.toml").write_text(TEXT, encoding="utf-8")
    config = config_for(tmp_path, features={"segments": [HOSTILE]})
    (feature,) = opted_in(config)
    assert feature.name == f"segment({HOSTILE})"
    specs = catalog(config.features, ["visit"], {}, [feature])
    assert [spec for spec in specs if isinstance(spec, InSegment)] == [feature]
    assert not any(isinstance(s, InSegment) for s in catalog(Features(), ["visit"], {}))


def test_what_is_asked_for_by_itself_wins_over_what_a_segment_asks_for():
    segment = parsed('[[segment]]\nname = "a"\nall = [{attribute = "n", is = "80"}]')
    number = Attribute("n", text=False)
    feature = segment.segments[0].feature
    assert compile_specs([feature, number]).leaves == (number,)
    assert compile_specs([feature]).leaves == (Attribute("n", text=True),)


def test_of_a_worked_example():
    """On 2026-02-01 lead 7 has written on 2026-01-04 and done nothing for the 28 days since; lead
    007 has visited twice, the last time on 2026-01-25."""
    events = [
        event("007", at("2026-01-03")),
        event("007", at("2026-01-25")),
        event("7", at("2026-01-04"), "mail"),
    ]
    segments = parsed(TEXT.replace(', {attribute = "n", from = 1}', ""))
    with opened(LEADS, events) as database:
        registered = register(database, [(lead, at("2026-02-01")) for lead in LEADS])
        frame = feature_frame(registered, segments.specs)
    segments_by_lead = dict(zip(frame["lead_id"], segments.joined(frame), strict=True))
    assert segments_by_lead == {"007": HOSTILE, "7": "quiet for 14 days"}
