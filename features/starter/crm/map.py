"""`readiness init DIR --from SYSTEM`: which form of the system's data is there, and its mapping."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import duckdb

from features.errors import BadInput
from features.starter.ask import NUMBERS, asking
from features.starter.crm import dynamics, hubspot, pipedrive, salesforce
from features.starter.date_forms import with_times
from features.starter.mapping import Mapped, choose, map_form, near_misses
from features.starter.relations import relations, require_utf8

FORMS = {
    "hubspot": hubspot.FORMS,
    "salesforce": salesforce.FORMS,
    "pipedrive": pipedrive.FORMS,
    "dynamics": dynamics.FORMS,
}


def recognised(folder: Path, database: str | None = None) -> list[str]:
    """The systems of which the files of a folder, or the tables of `database`, are exports."""
    systems = []
    for system, forms in FORMS.items():
        with suppress(BadInput, duckdb.Error, OSError):
            choose(forms, relations(folder, database))
            systems.append(system)
    return systems


def map_crm(folder: Path, system: str, database: str | None = None) -> Mapped:
    """The queries that map the files of a folder, or the tables of `database` (a path or URL), else
    of the folder's database file.

    Raises BadInput where no form of the system is there, and says what each lacks; and where a file
    is no UTF-8 text.
    """
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    there = relations(folder, database)
    form, sources = choose(FORMS[system], there)
    for source in sources.values():
        require_utf8(folder, source)
    with asking(folder, sources.values(), NUMBERS) as ask:
        read, questions = with_times(form, sources, ask)
        mapped = map_form(form, read, ask)
    near = near_misses(FORMS[system], form, sources, there)
    unused = [
        f"not read: {each.shown} ({', '.join(each.columns)}). If it says what leads did and when, "
        "write events.sql (docs/crm.md)"
        for each in there
        if each not in sources.values() and not each.in_database and each.shown not in near
    ]
    return replace(mapped, questions=(*near.values(), *questions, *unused, *mapped.questions))
