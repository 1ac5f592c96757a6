"""`init --flat`: what a flat table's columns are taken for, and what is asked."""

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.config import load
from features.errors import BadInput
from features.open_database import open_database
from features.starter.flat import map_flat
from features.starter.mapping import Mapped
from features.starter.starter import write_starter
from tests.readiness.running import readiness

HEAD = "id,created,staff,region,status,closed,reason,note\n"
ROWS = (
    '007,2024-01-05,10,north,Won,2024-02-01,price,"a, b"\n'
    "008,2024-01-06,20,south,Lost,2024-02-02,time,c\n"
    "009,2024-01-07,30,south,In talks,,,d\n"
    "010,2024-01-08,40,north,In talks,,,e\n"
)


def mapped(folder: Path, text: str, name: str = "table.csv") -> Mapped:
    (folder / name).write_text(text)
    return map_flat(folder, Path(name))


def question_with(result: Mapped, *words: str) -> str:
    """The one question that has all these words."""
    (question,) = (q for q in result.questions if all(word in q for word in words))
    return question


def test_columns_are_taken_for_what_they_are(tmp_path: Path) -> None:
    result = mapped(tmp_path, HEAD + ROWS)
    assert result.attributes == ("staff", "region")
    assert not result.random_split
    question = question_with(result, "'status'")
    assert question.index("Won: Won") < question.index("Lost: Lost") < question.index("In talks")
    assert question_with(result, "'id'")
    assert question_with(result, "'created'", "'closed'")
    left_out = question_with(
        result, "left out", "'reason'", "100% of those won", "0% of those open"
    )
    assert "'note'" in left_out


def test_the_database_has_the_rows(tmp_path: Path) -> None:
    write_starter(tmp_path, mapped(tmp_path, HEAD + ROWS))
    config = load(tmp_path)
    assert config.tables.events is None
    assert (config.tables.leads, config.tables.deals) == ("leads.sql", "deals.sql")
    assert config.features.attributes == ["staff", "region"]
    assert config.training.split == "time"
    with open_database(config) as database:
        execute = database.connection.execute
        assert execute("SELECT lead_id, created_at::VARCHAR, staff FROM leads").fetchall() == [
            ("007", "2024-01-05 00:00:00", 10),
            ("008", "2024-01-06 00:00:00", 20),
            ("009", "2024-01-07 00:00:00", 30),
            ("010", "2024-01-08 00:00:00", 40),
        ]
        assert execute("SELECT lead_id, closed_at::VARCHAR, outcome FROM deals").fetchall() == [
            ("007", "2024-02-01 00:00:00", "won"),
            ("008", "2024-02-02 00:00:00", "lost"),
        ]
    text = (tmp_path / "readiness.toml").read_text()
    assert text.count("QUESTIONS") == 1
    assert "FILLED WITH THE OUTCOME" in (tmp_path / "leads.sql").read_text()


def bank(rows: int = 400) -> str:
    """No id, no time: yes in every fifth row; one row twice."""
    lines = [
        f"{20 + n % 40},{'abc'[n % 3]},{n % 97},{'no' if n % 5 else 'yes'}" for n in range(rows)
    ]
    return "age,job,balance,y\n" + "\n".join([*lines, lines[0]]) + "\n"


def test_without_times_the_days_are_artificial_and_each_lead_is_at_one_cutoff(
    tmp_path: Path,
) -> None:
    result = mapped(tmp_path, bank())
    assert result.random_split
    assert question_with(result, "ARTIFICIAL", "exploration only", "before the outcome")
    assert question_with(result, "which column is the id")
    write_starter(tmp_path, result)
    config = load(tmp_path)
    assert config.training.split == "random"
    with open_database(config) as database:
        cutoffs = config.time.mature_cutoffs(database.data_end)
        assert (len(cutoffs), config.time.test_cutoffs) == (12, 3)
        values = ", ".join(f"(TIMESTAMP '{cutoff}')" for cutoff in cutoffs)
        per_lead = database.connection.execute(
            "SELECT lead_id, count(*), bool_or(outcome = 'won') FROM leads JOIN deals USING "
            f"(lead_id) JOIN (VALUES {values}) c(cutoff) ON created_at < cutoff AND "
            "closed_at >= cutoff AND closed_at < cutoff + INTERVAL 1 DAY GROUP BY lead_id"
        ).fetchall()
        last = database.value(
            f"SELECT count(*) FROM leads WHERE created_at >= TIMESTAMP '{cutoffs[-4]}'"
        )
    assert len(per_lead) == 401  # no two leads are one, also of two equal rows
    assert {count for _, count, _ in per_lead} == {1}
    assert sum(won for *_, won in per_lead) == 81
    assert 60 < last < 140  # a random quarter


def test_open_leads_of_a_table_without_times_are_in_no_mature_cutoff(tmp_path: Path) -> None:
    text = "id,size,result\n" + "".join(
        f"{n},{n % 7},{('won', 'lost', '')[n % 3]}\n" for n in range(90)
    )
    write_starter(tmp_path, mapped(tmp_path, text))
    config = load(tmp_path)
    with open_database(config) as database:
        last = config.time.mature_cutoffs(database.data_end)[-1]
        sql = "SELECT count(*) FROM leads ANTI JOIN deals USING (lead_id) WHERE created_at "
        assert database.value(f"{sql} > TIMESTAMP '{last}'") == 30
        assert database.value(f"{sql} <= TIMESTAMP '{last}'") == 0


def test_parquet_with_flags(tmp_path: Path) -> None:
    table = pa.table(
        {
            "key": range(6),
            "signup_date": pa.array(["2024-01-01"] * 6).cast(pa.date32()),
            "converted": [True, False, None] * 2,
            "converted_on": pa.array(["2024-02-01", "2024-02-02", None] * 2).cast(pa.date32()),
            "plan": ["a", "b", "a"] * 2,
        }
    )
    pq.write_table(table, tmp_path / "flags.parquet")
    result = map_flat(tmp_path, tmp_path / "flags.parquet")
    assert question_with(result, "'converted'", "Won: true", "Lost: false")
    assert question_with(result, "'signup_date'", "'converted_on'")
    assert result.attributes == ("plan",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,size\n1,2\n2,3\n", "looks like an outcome.*id, size"),
        ("", "no .csv, .parquet or .xlsx"),
    ],
)
def test_what_cannot_be_mapped_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        mapped(tmp_path, text)


def test_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "table.csv").write_text(HEAD + ROWS)
    with pytest.raises(BadInput, match=r"no file table\.csv in"):
        map_flat(tmp_path / "in", tmp_path / "table.csv")
    with pytest.raises(BadInput, match=r"no file none\.csv"):
        map_flat(tmp_path, Path("none.csv"))


def test_rows_with_an_outcome_and_no_time_are_counted(tmp_path: Path) -> None:
    more = "".join(f"{n},2024-03-01,1,west,Won,2024-04-01,price,n{n}\n" for n in range(100, 130))
    result = mapped(tmp_path, HEAD + ROWS + more + "011,2024-01-08,1,west,Lost,,,x\n")
    assert question_with(result, "1 rows have an outcome and no 'closed'")


def of_dates(created: str, closed: str, day: int = 1) -> str:
    """Sixty leads of 2026 in pandas' words, with times in these forms of strftime: won, lost and
    open in turn, one a day from `day` on, decided ten days and three hours later."""
    first = pd.Timestamp(2026, 1, day, 9, 30)
    lines = ["id,added,state,decided,plan"]
    for n in range(60):
        at = first + pd.Timedelta(days=n, minutes=n)
        state = ("Won", "Lost", "Talking")[n % 3]
        end = "" if state == "Talking" else (at + pd.Timedelta(days=10, hours=3)).strftime(closed)
        lines.append(f"L{n:02},{at.strftime(created)},{state},{end},{'ab'[n % 2]}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("created", "closed"),
    [("%m/%d/%Y %I:%M %p", "%m/%d/%Y"), ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M")],
    ids=["month first, twelve hours", "day first, with points"],
)
def test_times_are_read_in_the_form_that_all_values_have(
    created: str, closed: str, tmp_path: Path
) -> None:
    (tmp_path / "customers.csv").write_text(of_dates(created, closed))
    ran = readiness("init", tmp_path, "--flat", "customers.csv")
    assert ran.code == 0, ran.err
    assert "strptime(" in (tmp_path / "leads.sql").read_text()
    head = (tmp_path / "readiness.toml").read_text().split("\n\n")[0]
    questions = " ".join(head.split("\n#    "))
    assert all(words in questions for words in (created, closed, "as UTC"))
    checked = readiness("check", tmp_path)
    assert checked.code == 0, checked.err
    rows = pd.read_csv(tmp_path / "customers.csv")
    added = pd.to_datetime(rows.added, format=created)
    decided = pd.to_datetime(rows.decided, format=closed)[rows.state != "Talking"]
    with open_database(load(tmp_path)) as database:
        query = database.connection.execute
        assert query("SELECT count(*), min(created_at), max(created_at) FROM leads").fetchall() == [
            (len(rows), added.min(), added.max())
        ]
        assert query(
            "SELECT count(*) FILTER (outcome = 'won'), count(*), min(closed_at), max(closed_at) "
            "FROM deals"
        ).fetchall() == [((rows.state == "Won").sum(), len(decided), decided.min(), decided.max())]


AMBIGUOUS = "id,added,state,decided,plan,birthday\n" + "".join(
    f"L{n},{1 + n % 12:02}/{1 + n % 9:02}/2026,{('Won', 'Lost', '')[n % 3]},"
    f"{'' if n % 3 == 2 else f'2027-01-{1 + n % 28:02}'},{'ab'[n % 2]},0{1 + n % 7}/02/1990\n"
    for n in range(40)
)


def test_a_creation_that_reads_in_several_ways_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'added' of table\.csv.*01/01/2026") as refused:
        mapped(tmp_path, AMBIGUOUS)
    assert {"%d/%m/%Y", "%m/%d/%Y."} <= set(str(refused.value).split())


def test_another_date_that_reads_in_several_ways_is_left_out(tmp_path: Path) -> None:
    rows = pd.read_csv(io.StringIO(AMBIGUOUS))
    rows["added"] = pd.to_datetime(rows["added"], format="%m/%d/%Y").dt.date
    result = mapped(tmp_path, rows.to_csv(index=False))
    assert question_with(result, "left out", "'birthday'", "%d/%m/%Y", "%m/%d/%Y")
    assert result.attributes == ("plan",)
    assert not result.random_split
    assert "strptime" not in result.queries["leads"].sql
