"""What a person reads: within 80 columns, whole, and no name of the data is taken for markup."""

import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from readiness.commands.train import print_trained
from tests.copied_company import copied_company
from tests.readiness.conftest import Company
from tests.readiness.running import Ran, little_folder, readiness
from training.record import Trained


def fits(text: str) -> None:
    """Every line within 80 columns, but for those with a path."""
    wide = [line for line in text.splitlines() if len(line) > 80 and "/" not in line]
    assert wide == []
    assert "…" not in text  # nothing was cut


def test_check(tmp_path: Path) -> None:
    ran = readiness("check", little_folder(tmp_path))
    fits(ran.out)
    printed = [" ".join(line.replace("│", " ").split()) for line in ran.out.splitlines()]
    assert "visited 2 2 66.7%" in printed
    assert "called in [/b] 1 1 33.3%" in printed
    assert "Deals: 1 won, 1 lost. Open leads: 1." in printed


def test_features(tmp_path: Path) -> None:
    ran = readiness("features", little_folder(tmp_path))
    assert (ran.code, ran.err) == (0, "")
    assert "number of times: called in [/b], in the last 7 days" in " ".join(
        ran.out.replace("│", " ").split()
    )


def test_train(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    print_trained(trained, "sqlite:////there/mlflow.db")
    printed = capsys.readouterr().out
    fits(printed)
    assert " ".join(printed.split()).startswith(str(trained.comparison.verdict))
    assert "Registered as version 1 (challenger)" in printed
    assert "mlflow ui --backend-store-uri sqlite:////there/mlflow.db\n" in printed
    precision = trained.comparison.judgement.estimates["model"]["precision"].point
    (line,) = (line for line in printed.splitlines() if "won on the list" in line)
    assert f" {precision:.1%} " in line
    up_to = trained.comparison.judgement.ece_by_chance["model"]
    message = trained.comparison.judgement.against_chance("model")
    assert f"model: calibration error {message} alone shows (up to {up_to:.4f})" in printed
    starred = [line for line in printed.splitlines() if "*" in line]
    assert len(starred) == 2, starred  # the chosen one, and the legend


@pytest.fixture(scope="module")
def bracketed(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company's settings with words that look like markup, its models and a ledger apart."""
    folder = tmp_path_factory.mktemp("bracketed")
    for path in company.folder.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    settings = folder / "readiness.toml"
    text = settings.read_text(encoding="utf-8")
    models = f"sqlite:///{company.folder / 'out' / 'mlflow.db'}"
    text = text.replace("sqlite:///out/mlflow.db", models)
    settings.write_text(text + '"visited_pricing" = "[/pricing]"\n', encoding="utf-8")
    return folder


def sentence(ran: Ran) -> str:
    return " ".join(ran.out.split())


def test_score_and_score_again(bracketed: Path, company: Company) -> None:
    first = readiness("score", bracketed)
    fits(first.out)
    result = company.result("score")
    leads = result["open_leads"]
    moment = f"{datetime.fromisoformat(result['cutoff']):%Y-%m-%d %H:%M}"
    assert f"{leads} open leads at {moment} UTC: {result['routes']['sales']} to sales" in sentence(
        first
    )
    assert f" {leads} rows added. Ledger: " in sentence(first)
    assert "[/pricing]" in first.out
    again = readiness("score", bracketed)
    assert f" 0 rows added; {leads} were in the ledger before and are unchanged." in sentence(again)


def test_score_where_nobody_is_open(bracketed: Path) -> None:
    ran = readiness("score", bracketed, "--cutoff", "2020-01-01")
    assert ran.code == 0
    assert ran.out.startswith("0 open leads at 2020-01-01 00:00 UTC: 0 to sales, 0 to nurture")


def test_compare(company: Company, tmp_path: Path) -> None:
    page = tmp_path / "a b" / "page.html"
    ran = readiness("compare", company.folder, "--out", page)
    assert ran.code == 0
    fits(ran.out)
    assert company.result("compare")["verdict"] in sentence(ran)
    assert ran.out.endswith(f"Report: {page}\n")
    assert page.is_file()


def test_explain(bracketed: Path, company: Company) -> None:
    ran = readiness("explain", "1999", bracketed)
    fits(ran.out)
    result = company.result("explain")
    assert f"{result['readiness']:.1%} within 30 days" in sentence(ran)
    printed = ran.out.split("History:")[0]  # there, if something was scored in the folder before
    shown = [line.split("│")[1:3] for line in printed.splitlines() if line.startswith("│")]
    figures = [(float(figure), what.strip()) for figure, what in shown]
    last = next(n for n, (_, what) in enumerate(figures) if what.startswith("in all: readiness"))
    added = sum(figure for figure, _ in figures[:last])
    assert added == pytest.approx(figures[last][0], abs=0.005 * (last + 1))
    points = sum(figure for figure, _ in figures[last + 1 : -1])
    assert points == figures[-1][0] == result["rule_score"]


def test_explain_since(company: Company) -> None:
    leads = pd.read_parquet(company.folder / "leads.parquet").set_index("lead_id")["created_at"]
    closed = pd.read_parquet(company.folder / "deals.parquet")["lead_id"]
    lead = leads[leads < datetime(2025, 5, 1)].drop(closed, errors="ignore").index[0]
    words = ("explain", lead, company.folder, "--since", "2025-06-01", "--page")
    ran = readiness(*words)
    fits(ran.out.split("Page: ")[0])
    result = readiness(*words, "--json").result
    assert [printed["readiness"] for printed in result["history"]] == [result["readiness"]]
    assert "History: readiness █ points " in sentence(ran)
    assert "The ledger has no line of 2025-06-01:" in sentence(ran)
    assert Path(result["page"]).is_file()
    assert ran.out.endswith(f"Page: {result['page']}\n")
    for title, change in (("Readiness ", "log_odds"), ("Points ", "points")):
        whole = result["change"][change]
        parts = sum(part["difference"] for part in whole["parts"])
        assert whole["before"] + parts + whole["revised"] == pytest.approx(whole["after"], abs=1e-9)
        table = ran.out.split("2025-06-01 to")[("Readiness ", "Points ").index(title) + 1]
        rows = [line.split("│")[1] for line in table.splitlines() if line.startswith("│")]
        figures = [float(row) for row in rows if row.strip()]
        assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=0.005 * (len(figures) + 1))


def test_explain_of_a_lead_never_scored(company: Company, tmp_path: Path) -> None:
    copied_company(company.folder, tmp_path / "unscored")
    shutil.rmtree(tmp_path / "unscored" / "out" / "ledger")
    ran = readiness("explain", "1999", tmp_path / "unscored")
    assert ran.code == 0
    assert "Never scored so far: the ledger has no line of this lead" in sentence(ran)
