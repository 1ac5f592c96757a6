"""The settings of a verb: readiness.toml and every file that it names, checked before any work."""

from collections.abc import Callable
from pathlib import Path

from features import config as settings
from features.conditions.roles import load_roles
from features.conditions.segments import load_segments, opted_in
from features.config import Config, SettingsFile
from features.errors import BadInput
from features.funnel import load_funnel
from features.questions import MAIN
from features.spec.spec import Spec
from features.spec.titles import load_titles
from models.fairness.groups import group_specs
from models.rules.rules import current_rules
from models.sources.sources import load_sources
from readiness.outputs import require_output

READ: dict[SettingsFile, Callable[[Config], object]] = {
    "rules": current_rules,
    "sources": lambda config: load_sources(config.folder / config.sources),
    "funnel": load_funnel,
    "titles": load_titles,
    "roles": load_roles,
    "segments": lambda config: (load_segments(config), opted_in(config)),
}


def load(where: Path, to: Path | None = None, question: str | None = None) -> Config:
    """Read readiness.toml, given the file or its folder, as a question of it has it (None: as the
    file itself), and check the other settings files.

    to: a file that will be written. Raises BadInput, in one message, for what is wrong in any of
    them, for one that readiness.toml names and that is not there, and as `require_output`.
    """
    config = settings.load(where, MAIN if question is None else question)
    require_settings(config, to)
    return config


def require_settings(config: Config, to: Path | None = None) -> None:
    """Check the other settings files. Raises as `load`."""
    if to is not None:
        require_output(config, to)
    faults = []
    for key, read in READ.items():
        try:
            if config.optional_file(key) or (key == "segments" and config.features.segments):
                read(config)
        except BadInput as error:
            faults.append(str(error))
    if faults:
        raise BadInput("\n".join(faults))


def faults_of_others(where: Path, config: Config) -> dict[str, str]:
    """What is wrong in the settings of the other questions of the project, by their names."""
    faults = {}
    for name, other in settings.load_each(where).items():
        if name != config.question:
            try:
                require_settings(settings.settings_or_fault(other))
            except BadInput as error:
                faults[name] = str(error)
    return faults


def specs(config: Config) -> tuple[Spec, ...]:
    """What segments, points, roles and [fairness] will ask for: a lead database that is opened with
    them shows what it lacks."""
    points = current_rules(config).specs if config.optional_file("rules") else ()
    roles = load_roles(config).specs if config.features.account else ()
    segments = (*opted_in(config), *load_segments(config).specs)
    return (*segments, *points, *roles, *group_specs(config))
