"""People answer the machine by the command: they decide otherwise, and read what sales said."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.readiness.conftest import Company
from tests.readiness.running import readiness
from tests.readiness.test_words import fits

CUTOFF = "2025-05-05"


@pytest.fixture(scope="module")
def scored(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company's tables and models, and a ledger apart with one list of the past."""
    folder = tmp_path_factory.mktemp("answered")
    for path in company.folder.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    settings = folder / "readiness.toml"
    text = settings.read_text(encoding="utf-8")
    models = f"sqlite:///{company.folder / 'out' / 'mlflow.db'}"
    settings.write_text(text.replace("sqlite:///out/mlflow.db", models), encoding="utf-8")
    assert readiness("score", folder, "--cutoff", CUTOFF).code == 0
    return folder


def listed(folder: Path) -> pd.DataFrame:
    """The list as exported."""
    path = folder / "list.csv"
    assert readiness("score", folder, "--cutoff", CUTOFF, "--export", path).code == 0
    return pd.read_csv(path).set_index("lead_id")


def test_an_override_from_the_decision_to_its_withdrawal(scored: Path) -> None:
    before = listed(scored)
    first = before.index[0]
    assert before.loc[first, ["route", "decided_route"]].tolist() == ["sales", "sales"]
    because = ("--because", "asked for [autumn]", "--by", "eva")
    ran = readiness("override", first, scored, "--route", "nurture", *because)
    fits(ran.out)
    assert "asked for" in ran.out
    assert listed(scored).loc[first, ["route", "decided_route"]].tolist() == ["sales", "nurture"]
    result = readiness("score", scored, "--cutoff", CUTOFF, "--json").result
    assert (result["added"], result["decided_otherwise"]) == (0, 1)
    assert result["decided_routes"]["nurture"] == result["routes"]["nurture"] + 1
    assert sum(result["routes"].values()) == sum(result["decided_routes"].values())
    taken_back = readiness("override", first, scored, "--withdraw", *because, "--json").result
    assert [row["route"] for row in taken_back["history"]] == ["nurture", None]
    assert (listed(scored)["decided_route"] == before["route"]).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--route", "called", "--because", "x"), "There is no route 'called'"),
        (("--route", "sales"), "Say why"),
        (("--withdraw", "--because", "x"), "nothing to withdraw"),
        (("--withdraw", "--route", "sales"), "neither --route nor --until"),
    ],
)
def test_an_override_that_makes_no_sense_exits_2(scored: Path, words: tuple, message: str) -> None:
    lead = listed(scored).index[-1]
    ran = readiness("override", lead, scored, *words)
    assert ran.code == 2
    assert message in " ".join(ran.err.replace("│", " ").split())


def test_feedback_needs_contacts_and_reads_them(scored: Path) -> None:
    ran = readiness("feedback", scored)
    fits(ran.out)
    result = readiness("feedback", scored, "--json").result
    assert result["sentence"] in " ".join(ran.out.split())
    assert (scored / "out" / "feedback.html").is_file()
    contacts = pd.read_parquet(scored / "contacts.parquet")
    assert result["contacts"] == len(contacts)
    route = {each["group"]: each for each in result["acceptance"]["route"]}
    rows = listed(scored)
    after = contacts[contacts["contacted_at"] >= CUTOFF].drop_duplicates("lead_id")
    for name, each in route.items():
        mine = after[after["lead_id"].isin(rows.index[rows["decided_route"] == name])]
        assert (each["judged"], each["accepted"]) == (len(mine), int(mine["accepted"].sum()))
    settings = scored / "readiness.toml"
    left = settings.read_text(encoding="utf-8")
    settings.write_text(left.replace("contacts = ", "# contacts = "), encoding="utf-8")
    ran = readiness("feedback", scored)
    settings.write_text(left, encoding="utf-8")
    assert (ran.code, "tables.contacts is not named" in ran.err) == (2, True)
