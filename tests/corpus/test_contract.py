"""What the contract allows and forbids of leads, events, deals and merges."""

from pathlib import Path

import pandas as pd

from tests.corpus.company import (
    EVENTS,
    Case,
    Edit,
    Note,
    Rows,
    Same,
    append,
    both,
    breach,
    case,
    each,
    message,
    prove,
    recode,
    replace,
    settings,
    write,
)


def merges(*rows: str) -> Edit:
    """The table merges, of rows "lead into at"."""
    lines = ["lead_id,into_lead_id,merged_at", *(row.replace(" ", ",", 2) for row in rows)]
    return both(
        write("merges.csv", "\n".join(lines) + "\n"),
        replace("readiness.toml", ("[time]", 'merges = "merges.csv"\n[time]')),
    )


def column(file: str, head: str, values: dict[str, str]) -> Edit:
    """One more column, with values for the rows of some leads."""

    def add(text: str) -> bytes:
        first, *rows = text.splitlines()
        lines = [f"{first},{head}"]
        lines += [f"{row},{values.get(row.split(',')[0], '')}" for row in rows]
        return "\n".join(lines).encode()

    return recode(file, add)


def section(text: str) -> Edit:
    return append("readiness.toml", text + "\n")


AGAIN = section('[outcomes]\nafter_lost = "open_again"')
BACK = append("events.csv", "a-2,2024-02-06 09:00:00,visited,web,/pricing,\n")
DEAL = "a-2,2024-02-10 09:00:00,won,,500\n"
OPEN = (
    "SELECT opens_at::VARCHAR, closes_at::VARCHAR FROM open_periods WHERE lead_id = '{}' ORDER BY 1"
)
FIRST = ("2024-01-02 09:30:00", "2024-01-25 00:00:00")
LEFT_OUT = "SELECT lead_id, kind FROM left_out ORDER BY lead_id"
CASES = [
    # Deals.
    case(
        "an outcome in capitals",
        replace("deals.csv", ("12:00:00,won", "12:00:00,Won")),
        breach("deals.outcome", 1, "lead a-1: outcome Won", "CASE WHEN"),
    ),
    case(
        "an outcome with a blank",
        replace("deals.csv", ("12:00:00,won", "12:00:00,won ")),
        breach("deals.outcome", 1, "lead a-1: outcome won "),
    ),
    case(
        "another outcome",
        replace("deals.csv", ("12:00:00,won", "12:00:00,Closed Won")),
        breach("deals.outcome", 1, "lead a-1: outcome Closed Won"),
    ),
    case(
        "closed without an outcome",
        replace("deals.csv", ("12:00:00,won", "12:00:00,")),
        breach("deals.outcome", 1, "lead a-1: no outcome, but closed 2024-01-12 12:00:00"),
    ),
    case("an open deal", append("deals.csv", "a-8,,,2024-02-02 08:00:00,100\n"), Same()),
    case(
        "an open deal that says so",
        append("deals.csv", "a-8,,open,2024-02-02 08:00:00,100\n"),
        Same(),
    ),
    case(
        "the same deal twice",
        append("deals.csv", "a-1,2024-01-12 12:00:00,won,2024-01-05 08:00:00,1200\n"),
        Same(),
    ),
    case(
        "won and lost at one instant, lost for good",
        append("deals.csv", "a-1,2024-01-12 12:00:00,lost,,\n"),
        Same(),
    ),
    case(
        "a second deal of a lead that is closed",
        both(BACK, append("deals.csv", DEAL)),
        Rows(OPEN.format("a-2"), [FIRST]),
    ),
    case(
        "a second deal of a lead that comes back",
        both(BACK, append("deals.csv", DEAL), AGAIN),
        Rows(OPEN.format("a-2"), [FIRST, ("2024-02-06 09:00:00", "2024-02-10 09:00:00")]),
    ),
    case(
        "won and lost at one instant, lost leads come back",
        both(append("deals.csv", "a-2,2024-01-25 00:00:00,won,,\n"), BACK, AGAIN),
        Rows(OPEN.format("a-2"), [FIRST]),
    ),
    case(
        "a deal known late",
        column("deals.csv", "recorded_at", {"a-1": "2024-01-20 12:00:00"}),
        Rows(OPEN.format("a-1"), [("2024-01-01 08:00:00", "2024-01-20 12:00:00")]),
    ),
    case(
        "a deal known before it closed",
        column("deals.csv", "recorded_at", {"a-1": "2024-01-02 12:00:00"}),
        Same(),
    ),
    case(
        "closed at the instant of creation",
        replace("deals.csv", ("a-1,2024-01-12 12:00:00", "a-1,2024-01-01 08:00:00")),
        Rows(
            "SELECT count(*) FROM open_periods WHERE lead_id = 'a-1' AND closes_at > opens_at",
            [(0,)],
        ),
    ),
    case(
        "opened after it closed",
        replace("deals.csv", ("2024-01-05 08:00:00", "2024-01-13 08:00:00")),
        Same(),
    ),
    case(
        "nothing is won",
        recode("deals.csv", lambda t: t.replace(",won,", ",lost,").encode()),
        Note("mature snapshots, none of them won", 26, ("A model needs both",)),
    ),
    case(
        "no deal at all",
        write("deals.csv", "lead_id,closed_at,outcome\n"),
        Rows("SELECT count(*) FROM open_periods WHERE closes_at IS NULL", [(8,)]),
    ),
    # Events.
    case(
        "no action",
        replace("events.csv", ("2024-01-05 23:30:00,visited", "2024-01-05 23:30:00,")),
        breach("events.action", 1, "lead a-1: NULL"),
    ),
    case(
        "one action",
        recode(
            "events.csv",
            lambda t: t.replace("mailed", "visited").replace("called", "visited").encode(),
        ),
        Rows("SELECT DISTINCT action FROM known_events", [("visited",)]),
    ),
    case(
        "an action of 5,000 letters",
        recode("events.csv", lambda t: t.replace("called", "c" * 5000).encode()),
        Rows("SELECT count(*) FROM known_events WHERE length(action) = 5000", [(3,)]),
    ),
    case(
        "an action with quotes and markup",
        recode("events.csv", lambda t: t.replace("called", "[red]o'clock\\").encode()),
        Rows("SELECT count(*) FROM known_events WHERE action = '[red]o''clock\\'", [(3,)]),
    ),
    case(
        "an action that looks like a feature",
        recode("events.csv", lambda t: t.replace("called", "count_7d(visited)").encode()),
        Rows("SELECT count(*) FROM known_events WHERE action = 'count_7d(visited)'", [(3,)]),
    ),
    case(
        "an event before its lead was created",
        append("events.csv", "a-8,2024-01-02 10:00:00,visited,web,/blog,\n"),
        Rows("SELECT count(*) FROM known_events WHERE lead_id = 'a-8'", [(2,)]),
    ),
    case(
        "an import that ran twice",
        append("events.csv", EVENTS.partition("\n")[2]),
        Note("duplicate events", 16, ("lead a-1: mailed at 2024-01-03 10:00:00, 2 times",)),
    ),
    case(
        "an action left out that never occurs",
        settings('leave_out_actions = ["caled"]'),
        Note("leave_out_actions that never occur", 1, ("caled (is it called?)",)),
    ),
    case(
        "a measured action that never occurs",
        settings('measured_actions = ["caled"]'),
        Note("measured_actions that never occur", 1, ("caled (is it called?)",)),
    ),
    case(
        "all actions left out",
        settings('leave_out_actions = ["visited", "called", "mailed"]'),
        Rows("SELECT count(*) FROM known_events", [(0,)]),
    ),
    case(
        "a burst of clicks",
        append(
            "events.csv",
            "".join(f"a-8,2024-02-02 12:00:0{n % 3},visited,web,/{n},\n" for n in range(6)),
        ),
        Note("in bursts, as link scanners click", 6, ("machine_clicks = true",)),
    ),
    case(
        "a burst of clicks, left out",
        both(
            append(
                "events.csv",
                "".join(f"a-8,2024-02-02 12:00:0{n % 3},visited,web,/{n},\n" for n in range(6)),
            ),
            section("[exclude]\nmachine_clicks = true"),
        ),
        Rows("SELECT count(*) FROM known_events WHERE lead_id = 'a-8'", [(1,)]),
    ),
    # Leads.
    case(
        "who objected",
        column("leads.csv", "objected_at", {"a-1": "2024-03-01 00:00:00"}),
        Rows(LEFT_OUT, [("a-1", "objected")]),
        Note("leads that objected", 1, ("lead a-1", "2024-03-01")),
    ),
    case(
        "an objection that is no time",
        column("leads.csv", "objected_at", {"a-1": "yes"}),
        breach("leads.objected_at", 1, "lead a-1: yes"),
    ),
    case(
        "own staff",
        section('[exclude]\nleads = {email = ["*@ONE.example", "bo@*"]}'),
        Rows(LEFT_OUT, [("a-1", "excluded"), ("a-2", "excluded")]),
    ),
    case("a pattern of nobody", section('[exclude]\nleads = {email = ["*@nine.example"]}'), Same()),
    case(
        "a pattern that looks like a regular expression",
        section('[exclude]\nleads = {email = [".*", "(a+)+$", "ann@one_example", "%"]}'),
        Same(),
    ),
    case(
        "a pattern of many stars",
        section(f'[exclude]\nleads = {{email = ["{"*a" * 60}*b"]}}'),
        Same(),
    ),
    case(
        "a pattern for everybody",
        section('[exclude]\nleads = {email = ["*"]}'),
        Rows("SELECT count(*) FROM left_out", [(8,)]),
    ),
    case(
        "a column to exclude by that is not there",
        section('[exclude]\nleads = {mail = ["*"]}'),
        message("[exclude] leads", "mail", "email"),
    ),
    case(
        "a cohort",
        section('[cohort]\nwhere = [{attribute = "country", is = ["DE"]}]'),
        Rows("SELECT count(*) FROM open_periods", [(8,)]),
    ),
    case(
        "a cohort of nobody",
        section('[cohort]\nwhere = [{attribute = "country", is = ["XX"]}]'),
        Rows("SELECT count(*) FROM open_periods", [(8,)]),
    ),
    case(
        "a cohort by a column that is not there",
        section('[cohort]\nwhere = [{attribute = "county", is = ["DE"]}]'),
        message("county", "country"),
    ),
    case(
        "a cohort by a key that is not there",
        section('[cohort]\nwhere = [{atribute = "country"}]'),
        message("cohort.where", "atribute", "did you mean attribute"),
    ),
    case(
        "a cohort by a segment that is not there",
        section('[cohort]\nsegments = ["ours"]'),
        message("'ours'", "segments"),
    ),
    case(
        "a number where the attribute is a text",
        section('[cohort]\nwhere = [{attribute = "country", from = 3}]'),
        breach("leads.country", 8, "lead a-1: DE"),
    ),
    # Merges.
    case(
        "a merge",
        merges("a-3 a-6 2024-01-16 00:00:00"),
        Rows("SELECT count(*) FROM known_events WHERE lead_id = 'a-6'", [(4,)]),
        Rows(OPEN.format("a-3"), [("2024-01-03 00:00:00", "2024-01-16 00:00:00")]),
    ),
    case(
        "a chain of merges",
        merges("a-3 a-6 2024-01-16 00:00:00", "a-6 a-8 2024-02-05 00:00:00"),
        Rows("SELECT count(*) FROM known_events WHERE lead_id = 'a-8'", [(5,)]),
    ),
    case(
        "a merge into itself",
        merges("a-3 a-3 2024-01-16 00:00:00"),
        breach("merges.into_lead_id", 1, "lead a-3: into itself"),
    ),
    case(
        "a circle of two",
        merges("a-3 a-6 2024-01-16 00:00:00", "a-6 a-3 2024-01-17 00:00:00"),
        breach("merges.into_lead_id", 2, "lead a-3: into a-6"),
    ),
    case(
        "a circle of three",
        merges(
            "a-3 a-6 2024-01-16 00:00:00",
            "a-6 a-8 2024-02-05 00:00:00",
            "a-8 a-3 2024-02-06 00:00:00",
        ),
        breach("merges.into_lead_id", 3, "a-3: into a-6", "a-6: into a-8", "a-8: into a-3"),
    ),
    case(
        "merged twice",
        merges("a-3 a-6 2024-01-16 00:00:00", "a-3 a-8 2024-02-05 00:00:00"),
        breach("merges.lead_id", 1, "lead a-3: 2 rows"),
    ),
    case("a merge at no time", merges("a-3 a-6 "), breach("merges.merged_at", 1, "lead a-3: NULL")),
    case(
        "a merge in the future",
        merges("a-3 a-6 2029-01-16 00:00:00"),
        breach("merges.merged_at", 1, "lead a-3: 2029-01-16"),
    ),
    case(
        "a merge into nobody",
        merges("a-3 zz 2024-01-16 00:00:00"),
        Rows(OPEN.format("a-3"), [("2024-01-03 00:00:00", "2024-01-16 00:00:00")]),
    ),
]


@each(CASES)
def test_contract(one: Case, tmp_path: Path, sound: pd.DataFrame) -> None:
    prove(one, tmp_path, sound)
