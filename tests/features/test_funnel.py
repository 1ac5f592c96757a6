"""What is wrong in funnel.toml is said, and the starter writes what it guessed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BadInput
from features.funnel import load_funnel
from features.starter.funnel import funnel_toml, guess_funnel
from tests.features.lead_databases import config_for

LEAD = '[[stage]]\nname = "lead"\ncreated = true\n'
END = '[[stage]]\nname = "end"\nwon = true\n'


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_what_is_wrong_in_funnel_toml_is_said(tmp_path: Path, text, said):
    (tmp_path / "funnel.toml").write_text(text)
    with pytest.raises(BadInput, match=r"funnel\.toml") as refused:
        load_funnel(config_for(tmp_path))
    assert said in str(refused.value)


def test_an_absent_file_is_none_unless_it_was_named(tmp_path: Path):
    assert load_funnel(config_for(tmp_path)) is None
    with pytest.raises(BadInput, match=r"There is no .*mine\.toml"):
        load_funnel(config_for(tmp_path, funnel="mine.toml"))


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    points=st.dictionaries(names, st.sampled_from([-20, 1, 2, 10, 20]), max_size=8),
    contacts=st.booleans(),
)
def test_the_starter_reads_as_what_was_guessed(tmp_path_factory, points, contacts):
    guessed = guess_funnel(points, contacts, points.__getitem__)
    folder = tmp_path_factory.mktemp("starter")
    (folder / "funnel.toml").write_text(funnel_toml(guessed), encoding="utf-8")
    assert load_funnel(config_for(folder)) == guessed


def test_the_guess():
    points = {"mail": 1, "click": 2, "price": 10, "quote": 20, "gone": -20}
    ways = [
        (stage.name, stage.actions)
        for stage in guess_funnel(points, True, points.__getitem__).stage
    ]
    assert ways == [
        ("subscriber", None),
        ("lead", ["click"]),
        ("MQL", ["price", "quote"]),
        ("SQL", None),
        ("customer", None),
    ]
    without = guess_funnel(points, False, points.__getitem__).stage
    assert [stage.actions for stage in without[2:4]] == [["price"], ["quote"]]
