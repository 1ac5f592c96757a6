"""Groups that readiness.toml names, in what train and compare print and in the card. `company` is
looked at by country, which is no feature of its model."""

import json

import pytest

from features.config import load
from features.spec.compiled import attribute_columns
from models.registry import Registry
from tests.copied_company import copied_company
from tests.readiness.conftest import Company
from tests.readiness.running import readiness

COUNTRIES = {"DE", "AT", "CH", "NL"}


def test_the_groups_add_up_to_the_judgement(company: Company) -> None:
    result = company.result("compare")
    test, groups = result["test"], result["fairness"]["groups"]
    assert {group["name"] for group in groups} == COUNTRIES
    for key in ("snapshots", "leads", "wins"):
        assert sum(group[key] for group in groups) == test[key]
    for name in ("model", "rules"):
        shown = [group["lists"][name] for group in groups]
        slots = sum(
            group["snapshots"] * each["listed"]["point"]
            for group, each in zip(groups, shown, strict=True)
        )
        missed = sum(
            group["wins"] * each["missed"]["point"]
            for group, each in zip(groups, shown, strict=True)
        )
        at_capacity = test[name]["at_capacity"]
        assert slots == pytest.approx(at_capacity["share"] * test["snapshots"])
        assert missed == pytest.approx((1 - at_capacity["gain"]) * test["wins"])
        won = slots * at_capacity["precision"]
        assert test["wins"] - missed == pytest.approx(won)


def test_training_and_comparing_agree(company: Company) -> None:
    assert company.result("train")["fairness"] == company.result("compare")["fairness"]


def test_the_model_does_not_see_them(company: Company) -> None:
    assert "country" not in attribute_columns(Registry(load(company.folder)).load("1").specs)
    names = {feature["name"] for feature in company.result("features")["features"]}
    assert not any("country" in name for name in names)


def test_page_and_card_show_each_group(company: Company) -> None:
    page = (company.folder / "out" / "compare.html").read_text(encoding="utf-8")
    registry = Registry(load(company.folder))
    card = json.loads(registry.text(company.result("train")["run_id"], "card.json") or "")
    (section,) = (each for each in card["sections"] if each["title"].startswith("Fairness"))
    assert [len(grid["rows"]) for grid in section["grids"]] == [4, 4]  # model, rules
    for group in company.result("compare")["fairness"]["groups"]:
        assert f'<th scope="row">{group["name"]}<small>country' in page
        listed = f"{group['lists']['model']['listed']['point']:.1%}"
        (row,) = (row for row in section["grids"][0]["rows"] if row[0].endswith(group["name"]))
        assert row[4].startswith(listed)
        assert listed in page


def test_the_card_names_the_other_legal_class(company: Company) -> None:
    text = Registry(load(company.folder)).text(company.result("train")["run_id"], "card.md")
    assert text is not None
    assert all(text.count(law) == 1 for law in ("Annex III", "Art. 22", "C-634/21"))
    assert "source, age and country" in text  # what groups were looked at by


@pytest.mark.parametrize("verb", ["check", "train"])
def test_an_unknown_column_is_refused_before_the_work(untrained, tmp_path, verb: str) -> None:
    text = (untrained / "readiness.toml").read_text().replace("groups = []", 'groups = ["cuntry"]')
    folder = copied_company(untrained, tmp_path / "company")
    (folder / "readiness.toml").write_text(text)
    ran = readiness(verb, folder)
    assert ran.code == 2
    assert "Did you mean country?" in " ".join(ran.err.split())
