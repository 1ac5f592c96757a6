"""Times in the forms that exports have, and at the edges of the calendar and of the data."""

from pathlib import Path

import pandas as pd

from tests.corpus.company import (
    Case,
    Note,
    Rows,
    Same,
    append,
    breach,
    case,
    each,
    message,
    prove,
    recode,
    replace,
)

VISIT = "a-1,2024-01-05 23:30:00"  # one of the events


def visit_at(text: str) -> object:
    """The event of 2024-01-05 23:30 at a time that is written so."""
    return replace("events.csv", (VISIT, f"a-1,{text}"))


def every_time(old: str, new: str) -> object:
    """Another spelling of all times of the events."""
    return replace("events.csv", (old, new), every=True)


def day_first(text: str) -> bytes:
    head, *rows = text.splitlines()
    lines = []
    for row in rows:
        lead, time, *rest = row.split(",")
        date, clock = time.split(" ")
        year, month, day = date.split("-")
        lines.append(",".join([lead, f"{day}.{month}.{year} {clock}", *rest]))
    return "\n".join([head, *lines]).encode()


DAY_FIRST = recode("events.csv", day_first)
CASES = [
    # Forms that read one way.
    case("T between date and time", every_time("2024-01-05 23", "2024-01-05T23"), Same()),
    case("Z", visit_at("2024-01-05T23:30:00Z"), Same()),
    case("an offset", visit_at("2024-01-06T01:30:00+02:00"), Same()),
    case("an offset without colon", visit_at("2024-01-06 05:00:00+0530"), Same()),
    case("a zone of Region/City", visit_at("2024-01-05 18:30:00 America/New_York"), Same()),
    case("UTC in letters", visit_at("2024-01-05 23:30 UTC"), Same()),
    case("slashes, the year first", visit_at("2024/01/05 23:30:00"), Same()),
    case("nanoseconds", visit_at("2024-01-05 23:30:00.000000000"), Same()),
    case("no seconds", visit_at("2024-01-05 23:30"), Same()),
    case(
        "a leap day is a day",
        append("deals.csv", "a-8,2024-02-29 10:00:00,won,2024-02-28,\n"),
        Rows(
            "SELECT closed_at::VARCHAR FROM deals WHERE lead_id = 'a-8'", [("2024-02-29 10:00:00",)]
        ),
    ),
    # Forms that do not.
    case(
        "day first",
        DAY_FIRST,
        breach("events.occurred_at", 16, "lead a-1: 02.01.2024 10:00:00", "%d.%m.%Y %H:%M:%S"),
    ),
    case(
        "one time day first",
        visit_at("05.01.2024 23:30:00"),
        breach("events.occurred_at", 1, "lead a-1: 05.01.2024 23:30:00", "%d.%m.%Y", "%m.%d.%Y"),
    ),
    case(
        "a day beyond 12 settles it",
        visit_at("15/01/2024 23:30:00"),
        breach("events.occurred_at", 1, "15/01/2024", "%d/%m/%Y"),
    ),
    case("two digits of a year", visit_at("15/05/20"), breach("events.occurred_at", 1, "15/05/20")),
    case(
        "AST, which is several zones",
        visit_at("2024-01-05 19:30:00 AST"),
        breach("events.occurred_at", 1, "AST", "America/Halifax"),
    ),
    case(
        "seconds since 1970",
        visit_at("1704497400"),
        breach("events.occurred_at", 1, "1704497400", "to_timestamp"),
    ),
    case(
        "milliseconds since 1970",
        visit_at("1704497400000"),
        breach("events.occurred_at", 1, "1704497400000", "epoch_ms"),
    ),
    case(
        "the days of a spreadsheet",
        visit_at("45296.979"),
        breach("events.occurred_at", 1, "45296.979", "1899-12-30"),
    ),
    case(
        "eight digits", visit_at("20240105"), breach("events.occurred_at", 1, "20240105", "%Y%m%d")
    ),
    case(
        "a month in letters",
        visit_at("05-Jan-2024"),
        breach("events.occurred_at", 1, "05-Jan-2024", "%d-%b-%Y"),
    ),
    case(
        "a day that is not",
        visit_at("2023-02-29 10:00:00"),
        breach("events.occurred_at", 1, "2023-02-29"),
    ),
    case("hour 25", visit_at("2024-01-05 25:30:00"), breach("events.occurred_at", 1, "25:30")),
    case(
        "the hour that the clocks show twice",
        visit_at("2023-10-29 02:30:00 Europe/Berlin"),
        breach("events.occurred_at", 1, "2023-10-29 02:30:00 Europe/Berlin", "twice or never"),
    ),
    case(
        "the hour that they never show",
        visit_at("2023-03-26 02:30:00 Europe/Berlin"),
        breach("events.occurred_at", 1, "2023-03-26 02:30:00 Europe/Berlin", "twice or never"),
    ),
    case(
        "a region that is not",
        visit_at("2024-01-05 23:30:00 Europe/Atlantis"),
        breach("events.occurred_at", 1, "Europe/Atlantis"),
    ),
    case("words", visit_at("yesterday"), breach("events.occurred_at", 1, "lead a-1: yesterday")),
    case(
        "0000-00-00", visit_at("0000-00-00 00:00:00"), breach("events.occurred_at", 1, "0000-00-00")
    ),
    case("infinity", visit_at("infinity"), breach("events.occurred_at", 1, "lead a-1: infinity")),
    case(
        "blanks around",
        visit_at(" 2024-01-05 23:30:00 "),
        breach("events.occurred_at", 1, "trim(occurred_at)"),
    ),
    case(
        "year 1 with an offset",
        visit_at("0001-01-01 00:00:00+01:00"),
        breach("events.occurred_at", 1, "0001-01-01"),
    ),
    # Edges of the data.
    case(
        "an event in the future",
        visit_at("2025-01-05 23:30:00"),
        breach("events.occurred_at", 1, "lead a-1: 2025-01-05", "2024-12-01"),
    ),
    case(
        "9999-12-31",
        visit_at("9999-12-31 23:59:59"),
        breach("events.occurred_at", 1, "lead a-1: 9999-12-31 23:59:59"),
    ),
    case(
        "a lead created in the future",
        replace("leads.csv", ("2024-02-01 14:00:00", "2026-02-01")),
        breach("leads.created_at", 1, "lead a-8: 2026-02-01"),
    ),
    case(
        "an open deal with a planned closing",
        append("deals.csv", "a-8,2030-01-01 00:00:00,open,2024-02-02 00:00:00,100\n"),
        Same(),
    ),
    case(
        "a won deal that closes in the future",
        append("deals.csv", "a-8,2030-01-01 00:00:00,won,2024-02-02 00:00:00,100\n"),
        breach("deals.closed_at", 1, "lead a-8: 2030-01-01"),
    ),
    case(
        "a lead without a time",
        replace("leads.csv", ("2024-02-01 14:00:00", "")),
        breach("leads.created_at", 1, "lead a-8: no created_at"),
    ),
    case(
        "an event without a time",
        replace("events.csv", ("2024-02-02 10:00:00", "")),
        breach("events.occurred_at", 1, "lead a-8: NULL"),
    ),
    case(
        "a closed deal without a time",
        replace("deals.csv", ("2024-02-20 10:00:00", "")),
        breach("deals.closed_at", 1, "lead a-7: outcome won"),
    ),
    case(
        "closed before it was created",
        replace("deals.csv", ("a-1,2024-01-12", "a-1,2023-12-31")),
        breach("deals.closed_at", 1, "lead a-1: created 2024-01-01 08:00:00, closed 2023-12-31"),
    ),
    case(
        "an event at a cutoff is not known to it",
        append("events.csv", "a-3,2024-01-15 00:00:00,visited,web,/blog,\n"),
        Rows(
            "SELECT count(*) FROM known_events WHERE lead_id = 'a-3' AND known_at < '2024-01-15'",
            [(2,)],
        ),
    ),
    case(
        "recorded late",
        recode(
            "events.csv",
            lambda text: "\n".join(
                line
                + (
                    ",recorded_at"
                    if n == 0
                    else ",2024-01-09 00:00:00"
                    if line.startswith(VISIT)
                    else ","
                )
                for n, line in enumerate(text.splitlines())
            ).encode(),
        ),
        Note("recorded after they occurred", 1, ("lead a-1: visited at 2024-01-05 23:30:00",)),
        Rows(
            "SELECT known_at::VARCHAR FROM known_events WHERE occurred_at = '2024-01-05 23:30:00'",
            [("2024-01-09 00:00:00",)],
        ),
    ),
    case(
        "recorded before it occurred",
        recode(
            "events.csv",
            lambda text: "\n".join(
                line
                + (
                    ",recorded_at"
                    if n == 0
                    else ",2023-12-31 00:00:00"
                    if line.startswith(VISIT)
                    else ","
                )
                for n, line in enumerate(text.splitlines())
            ).encode(),
        ),
        Same(),
    ),
    case(
        "recorded_at that is no time",
        recode(
            "events.csv",
            lambda text: "\n".join(
                line + (",recorded_at" if n == 0 else ",soon" if line.startswith(VISIT) else ",")
                for n, line in enumerate(text.splitlines())
            ).encode(),
        ),
        breach("events.recorded_at", 1, "lead a-1: soon"),
    ),
    # The grid of cutoffs.
    case(
        "a data end in the future",
        replace("readiness.toml", ("[capacity]", "data_end = 2099-01-01\n[capacity]")),
        message("time.data_end", "2099-01-01", "future"),
    ),
    case(
        "a first cutoff after the data",
        replace("readiness.toml", ("2024-01-08", "2024-06-08")),
        Note("time.first_cutoff after the data end", 1, ("2024-06-08", "earlier")),
    ),
    case(
        "cutoffs before the first lead",
        replace("readiness.toml", ("2024-01-08", "2023-12-18")),
        Note("cutoffs before the first lead", 3, ("2023-12-18", "2023-12-25")),
    ),
    case(
        "a horizon longer than the data",
        replace("readiness.toml", ("horizon_days = 7", "horizon_days = 3650")),
        Note("none of them mature", 7, ("2024-01-08 00:00:00",)),
    ),
    case("a day for a time", replace("leads.csv", ("2024-01-03 00:00:00", "2024-01-03")), Same()),
    case(
        "an attribute that is a date day first",
        replace("leads.csv", ("2024-06-01", "01.06.2024"), every=True),
        Note("attributes that look like dates", 1, ("renews_on, such as 01.06.2024",)),
    ),
]


@each(CASES)
def test_times(one: Case, tmp_path: Path, sound: pd.DataFrame) -> None:
    prove(one, tmp_path, sound)
