"""Pages of measured figures: sections headed by `## `, each exchanged when it is measured anew."""

import re
import sys
from datetime import date
from pathlib import Path

from benchmarks.measure import HOME

BENCHMARKS = HOME / "docs" / "benchmarks.md"
RESULTS = HOME / "docs" / "results"  # one page per topic


def put(page: Path, sections: str, command: str) -> None:
    """Exchange sections of a page, or add them at its end; all others stay. Under the title of each
    stands the command that printed it, and the day."""
    heading = f"\\1\n\n`{command}`, {date.today()}."
    sections = re.sub(r"^(## .*)$", heading, sections, flags=re.MULTILINE)
    page.write_text(exchanged(page.read_text(encoding="utf-8"), sections), encoding="utf-8")


def tell(section: str, module: str) -> None:
    """Print a section of docs/benchmarks.md; with --write among the arguments, put it there."""
    given = [each for each in sys.argv[1:] if each != "--write"]
    if len(given) < len(sys.argv) - 1:
        put(BENCHMARKS, section, " ".join(["python -m", module, *given]))
    print(section)


def exchanged(page: str, sections: str) -> str:
    """The page with those sections in the places of the ones with their titles.

    >>> exchanged("# A\\n\\n## one\\nold\\n\\n## two\\nstays\\n", "## one\\nnew\\n\\n## three\\n")
    '# A\\n\\n## one\\nnew\\n\\n## two\\nstays\\n\\n## three\\n'
    """
    for section in re.split(r"^(?=## )", sections, flags=re.MULTILINE):
        title = section.partition("\n")[0]
        if not title:
            continue
        own = section.rstrip() + "\n"
        old = re.compile(re.escape(title) + r"\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
        if old.search(page):
            page = old.sub(lambda _, own=own: f"{own}\n", page)  # type: ignore[misc]
        else:
            page = f"{page.rstrip()}\n\n{own}"
    return page.rstrip() + "\n"
