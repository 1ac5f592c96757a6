"""The reports that the service shows, and the command that makes each; what every page links to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """name: its file in `out`. title: as links call it. command: the words that make it, after
    `readiness` and before the folder. of_lists: whether it goes by the lists of the ledger, so that
    a newer list makes it old. own_address: where the service shows it, if not under /pages."""

    name: str
    title: str
    command: tuple[str, ...]
    of_lists: bool = True
    own_address: str = ""

    @property
    def address(self) -> str:
        """Where the service shows it."""
        return self.own_address or f"/pages/{self.name}"


REPORTS = {
    report.name: report
    for report in (
        Report("compare.html", "Model against rules", ("compare",)),
        Report("points.html", "Points table", ("rules", "learn", "--force"), False, "/points"),
        Report("funnel.html", "Funnel", ("funnel",)),
        Report("sources.html", "Sources", ("sources",)),
        Report("segments.html", "Segments", ("segments",)),
        Report("feedback.html", "Feedback", ("feedback",)),
        Report("effect.html", "Effect", ("effect",)),
        Report("monitor.html", "Monitor", ("monitor",)),
        Report("card.html", "Model card", ("card",), of_lists=False),
        Report("history.html", "History", ("history",), of_lists=False),
    )
}
NAVIGATION = {"/": "Start", "/leads": "Leads"} | {
    report.address: report.title for report in REPORTS.values()
}
