"""Several questions in one project: `[questions.NAME]` of readiness.toml.

A question has all settings of the file but for the keys that it names itself. The file is the first
question, `main`. Each has a registered model, a champion, a ledger, a list and pages of its own.

Worked example: [time] horizon_days = 30, [features] attributes = ["country"], and

    [questions.expansion]
    time.horizon_days = 90

The question `expansion` looks 90 days ahead, at the same attributes; its model is
`sales-readiness-expansion`, its ledger and pages are in out/questions/expansion.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

MAIN = "main"
FOLDER = "questions"  # in the folder `out` of the file
# It stands in paths, addresses, names of models, and unquoted in those of databases.
NAME = re.compile("[a-z][a-z0-9_]{0,39}")
RESERVED = {MAIN: "is the question of the file itself", "all": "would mean every question"}

_SAME_LEADS = (
    "all questions are asked of the same leads and events; [cohort] says of whom each is asked"
)
_ONE_STORE = "all questions are in one store, each under its own name"
# What a question must not change, and why.
SHARED = {
    "questions": "a question has no questions of its own",
    "seed": "one seed makes all of a project repeatable",
    "out": f"its results go to {FOLDER}/NAME in the folder `out` of the file",
    "tables.folder": _SAME_LEADS,
    "tables.encoding": _SAME_LEADS,
    "tables.database": _SAME_LEADS,
    "tables.events": _SAME_LEADS,
    "tables.leads": _SAME_LEADS,
    "tables.merges": _SAME_LEADS,
    "time.data_end": "the data end for all questions at once",
    "exclude": "who is no lead, and which events no person caused, holds for every question; "
    "[cohort] says of whom each is asked",
    "mlflow.uri": _ONE_STORE,
    "ledger.url": _ONE_STORE,
    "engine": "one process computes all questions",
}
WHOLE = ("capacity", "routing")  # their keys exclude one another: [capacity] share and leads
NOT_INHERITED = ("publish",)  # two lists would be written over one another


def faults(name: str, own: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    """What is wrong with the name of a question, with the keys that none may change, and with
    tables that are no section of the file (`known`: its keys), in words."""
    if name in RESERVED:
        yield f"questions.{name}: {name} {RESERVED[name]}; name it otherwise"
    elif not NAME.fullmatch(name):
        yield (
            f"questions.{name}: a name has up to 40 lower-case letters, digits and "
            "underscores, and begins with a letter"
        )
    for key, why in SHARED.items():
        section, _, within = key.partition(".")
        values = own.get(section, {})
        if section in own and (not within or (isinstance(values, dict) and within in values)):
            yield f"questions.{name}.{key}: cannot be changed: {why}. Leave it out"
    for section, values in own.items():
        if isinstance(values, dict) and section not in known:
            near = difflib.get_close_matches(section, known, n=1)
            yield (
                f"questions.{name}.{section}: {section} is no section of the file"
                + (f"; did you mean [questions.{name}.{near[0]}]?" if near else ".")
                + f" Another question is [questions.{section}], its settings as time.horizon_days "
                "= 90 below that"
            )


def settings_of(name: str, file: Mapping[str, Any]) -> dict[str, Any]:
    """The content of readiness.toml as the question has it.

    A key that it names replaces that of the file, a list or a condition as a whole; of WHOLE its
    section replaces the file's; what is NOT_INHERITED it has only where it names it.
    """
    own = file[FOLDER][name]
    settings = {key: value for key, value in file.items() if key != FOLDER}
    for section in NOT_INHERITED:
        settings.pop(section, None)
    for key, value in own.items():
        inherited = settings.get(key)
        merges = isinstance(value, dict) and isinstance(inherited, dict) and key not in WHOLE
        settings[key] = inherited | value if merges else value
    mlflow = settings.get("mlflow", {})
    if isinstance(mlflow, dict):
        named = own.get("mlflow", {})
        ours = {
            key: f"{mlflow.get(key, 'sales-readiness')}-{name}"
            for key in ("experiment", "model")
            if key not in named
        }
        settings["mlflow"] = mlflow | ours
    settings["out"] = f"{file.get('out', 'out')}/{FOLDER}/{name}"
    return settings
