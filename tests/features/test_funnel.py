"""Faults in funnel.toml are reported, and the starter writes one that is read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BadInput
from features.funnel import load_funnel
from features.starter.funnel import funnel_text
from tests.features.lead_databases import config_for

LEAD = '[[stage]]\nname = "lead"\ncreated = true\n'
END = '[[stage]]\nname = "end"\nwon = true\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEAD, "at least 2 items"),
        (LEAD + LEAD, "two stages are called lead"),
        (LEAD + END.replace("won", "wun"), "did you mean won?"),
        (LEAD + END + "reference = [0.5, 0.3]", "first share must not be above"),
        (LEAD + "within_days = 3\n" + END, "no way leads into it"),
        (END + LEAD, "won is a way into the last stage only"),
        (LEAD + END + "reference = [30, 50]", "less than or equal to 1"),
        ("[[stage", "is not valid TOML"),
    ],
)
def test_faults_in_funnel_toml_are_reported(tmp_path: Path, text, message):
    (tmp_path / "funnel.toml").write_text(text)
    with pytest.raises(BadInput, match=r"funnel\.toml") as refused:
        load_funnel(config_for(tmp_path))
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["funnel.toml", "mine.toml"])
def test_a_missing_file_is_refused_in_one_line_with_a_way_to_get_it(tmp_path: Path, name):
    with pytest.raises(BadInput) as refused:
        load_funnel(config_for(tmp_path, funnel=name))
    (line,) = str(refused.value).splitlines()
    assert str(tmp_path / name) in line
    assert "readiness funnel --help" in line


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    points=st.dictionaries(names, st.sampled_from([-20, 1, 2, 10, 20]), max_size=8),
    contacts=st.booleans(),
)
def test_the_starter_s_funnel_is_read_and_names_each_action_once(
    tmp_path_factory, points, contacts
):
    stages = starter(tmp_path_factory.mktemp("starter"), points, contacts)
    given = [action for stage in stages for action in stage.actions or []]
    assert sorted(given) == sorted(name for name in points if name and points[name] >= 2)


def starter(folder, points, contacts):
    """The stages of the starter's funnel.toml, as they are read."""
    text = funnel_text(points, contacts, points.__getitem__)
    (folder / "funnel.toml").write_text(text, encoding="utf-8")
    return load_funnel(config_for(folder)).stage


@pytest.mark.parametrize(
    ("contacts", "actions"),
    [
        (True, [None, ["click"], ["price", "quote"], None, None]),
        (False, [None, ["click"], ["price"], ["quote"], None]),
    ],
)
def test_the_starter_s_stages(tmp_path: Path, contacts, actions):
    points = {"mail": 1, "click": 2, "price": 10, "quote": 20, "gone": -20}
    stages = starter(tmp_path, points, contacts)
    names = [stage.name for stage in stages]
    assert names == ["subscriber", "lead", "MQL", "SQL", "customer"]
    assert [stage.actions for stage in stages] == actions
    assert (stages[0].created, stages[-1].won) == (True, True)
    assert stages[3].contact == ("accepted" if contacts else None)
