"""`readiness init DIR --from SYSTEM`: which form of the system's data is there, and its mapping."""

from pathlib import Path

from features.errors import BadInput
from features.starter.ask import asking
from features.starter.crm import dynamics, hubspot, pipedrive, salesforce
from features.starter.mapping import Mapped, choose, map_form
from features.starter.relations import relations

FORMS = {
    "hubspot": hubspot.FORMS,
    "salesforce": salesforce.FORMS,
    "pipedrive": pipedrive.FORMS,
    "dynamics": dynamics.FORMS,
}


def map_crm(folder: Path, system: str, database: str | None = None) -> Mapped:
    """The queries that map the files of a folder, or the tables of `database` (a path or URL), else
    of the folder's database file.

    Raises BadInput where no form of the system is there, and says what each lacks.
    """
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    form, sources = choose(FORMS[system], relations(folder, database))
    with asking(folder, sources.values()) as ask:
        return map_form(form, sources, ask)
