"""A lead's lines in the ledger, one per cutoff; a real one is read in test_explain_change.py."""

from dataclasses import replace
from datetime import datetime

from serve.reports.explain.history import LedgerLine, as_seen, sparkline

FIRST, SECOND = datetime(2025, 2, 3), datetime(2025, 2, 17)


def test_a_lead_that_could_not_be_scored_leaves_a_gap() -> None:
    line = LedgerLine(*(FIRST, FIRST, "1", "r", "two rows", None, None, None, "nurture", "nurture"))
    scored = replace(line, cutoff=SECOND, state_reason=None, readiness=0.2, rule_score=4.0)
    assert sparkline([text.readiness for text in as_seen([scored, line])]) == " █"
