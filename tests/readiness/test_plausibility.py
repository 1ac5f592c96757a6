"""What can hardly be true: `check` exits 1 and has the line to paste, `train` refuses, `score` goes
on and says it."""

from pathlib import Path

from tests.readiness.running import EVENTS, LEADS, SETTINGS, little_folder, readiness

CODES = ["far_date(leads.created_at)", "lookalike_names(action=visited)"]


def odd_folder(folder: Path, settings: str = SETTINGS) -> Path:
    """A lead of 1970, and an action with a trailing blank."""
    return little_folder(
        folder,
        leads=LEADS + "4,1970-01-01,ads\n",
        events=EVENTS + "3,2024-01-11 09:00:00,visited \n",
        settings=settings,
    )


def test_check_names_it_and_has_the_lines_to_paste(tmp_path: Path) -> None:
    folder = odd_folder(tmp_path)
    ran = readiness("check", folder)
    assert ran.code == 1
    assert "accepted = [" + ", ".join(f'"{code}"' for code in CODES) + "]" in ran.out
    (row,) = [line for line in ran.out.splitlines() if "│ 'visited '" in line]
    assert row.split("│")[2].strip() == "1"  # so often
    ran = readiness("check", folder, "--json")
    assert (ran.code, ran.result["ok"], ran.result["training"]["passes"]) == (1, True, False)
    assert [each["code"] for each in ran.result["implausible"]] == CODES


def test_train_refuses_it_in_one_message(tmp_path: Path) -> None:
    ran = readiness("train", odd_folder(tmp_path), "--json")
    assert ran.code == 1
    assert all(f"{code}: " in ran.result["error"] for code in CODES)
    assert "lead 4: 1970-01-01" in ran.result["error"]


def test_score_goes_on_and_says_it(tmp_path: Path) -> None:
    ran = readiness("score", odd_folder(tmp_path), "--json")
    assert ran.code == 0
    assert [code in "\n".join(ran.result["notes"]) for code in CODES] == [True, True]


def test_accepted_it_is_said_as_such(tmp_path: Path) -> None:
    accepted = (
        '\n[audit]\naccepted = ["far_date(leads.*)", "action:visited", "far_date(deals.*)"]\n'
    )
    folder = odd_folder(tmp_path, SETTINGS + accepted)
    ran = readiness("check", folder, "--json")
    assert (ran.code, [each["accepted"] for each in ran.result["implausible"]]) == (0, [True] * 2)
    (note,) = [each["text"] for each in ran.result["notes"] if "audit.accepted" in each["text"]]
    assert "far_date(deals.*)" in note
    assert not any(
        code in note
        for code in CODES
        for note in readiness("score", folder, "--json").result["notes"]
    )


def test_score_says_that_the_events_end_early_though_leads_and_deals_go_on(tmp_path: Path) -> None:
    """The export of the events did not run; that of the leads did, so the data do not end."""
    daily = "".join(f"1,2024-01-{day:02} 10:00:00,visited\n" for day in range(3, 15))
    leads = LEADS + "4,2024-01-18,ads\n"
    folder = little_folder(
        tmp_path, leads=leads, events=EVENTS + daily, deals="lead_id,closed_at,outcome\n"
    )
    late = readiness("score", folder, "--cutoff", "2024-01-19", "--json").result["notes"]
    assert [text for text in late if "2024-01-14 10:00" in text and "4.6 days" in text]
    for cutoff in ("2024-01-15", "2024-01-14"):
        notes = readiness("score", folder, "--cutoff", cutoff, "--json").result["notes"]
        assert not any("newest event" in text for text in notes)
