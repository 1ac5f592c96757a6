"""Public tasks beside published figures, in one table.

    .venv/bin/python -m benchmarks.public [--write]    # docs/results/public.md

The product's engine and classifier do the work; what is particular to a task is in the SQL and
TOML files of its folder. Data that are not here are skipped, saying so.
"""

import sys

from benchmarks.page import RESULTS, put
from benchmarks.public import formula_one, lead_conversion, next_outcome
from benchmarks.public.table import Row, table

TITLE = "## Public tasks beside published figures"
CHOSEN = (
    "ROC AUC on the test, each test predicted once. On rel-f1 the learner was chosen on the "
    "validation rows, and how stale rows are trained on with tables that end from 1993 to 2005; "
    "the windows of its features are those of an earlier mapping, made for driver-dnf, rolling, "
    "with test years in sight (on the validation, 90, 365 and 1,095 days do as well). The other "
    "tasks have the default settings, and nothing was chosen. "
    "Errors and intervals resample leads (drivers, cases)."
)


def measured() -> str:
    """The section, as Markdown."""
    rows: list[Row] = []
    notes: list[str] = []
    for part in (formula_one, next_outcome, lead_conversion):
        more, remarks = part.section()
        rows += more
        notes += remarks
    return "\n\n".join([TITLE, CHOSEN, table(rows), "\n".join(f"- {note}" for note in notes)])


if __name__ == "__main__":
    text = measured()
    if "--write" in sys.argv[1:]:
        put(RESULTS / "public.md", text, "python -m benchmarks.public")
    print(text)
