"""A points table as the text of a rules.toml, with a comment for whoever reads it."""

from collections.abc import Mapping, Sequence

from features.toml import toml_value
from models.rules.file import RulesFile


def rules_toml(file: RulesFile, head: Sequence[str], beside: Mapping[int, Sequence[str]]) -> str:
    """The text that `load_rules` reads as `file`.

    head: comment lines above all; beside: comment lines above a rule, by its number from 0.
    """
    told = file.model_dump(exclude_defaults=True, by_alias=True)
    lines = [*_comments(head), f"name = {toml_value(file.name)}"]
    lines += [f"{key} = {toml_value(told[key])}" for key in ("bands", "total") if told.get(key)]
    for name, limits in told.get("groups", {}).items():
        lines += ["", f"[groups.{toml_value(name)}]"]
        lines += [f"{key} = {toml_value(value)}" for key, value in limits.items()]
    for number, rule in enumerate(told["rule"]):
        lines += ["", *_comments(beside.get(number, ())), "[[rule]]"]
        lines += [f"{key} = {toml_value(value)}" for key, value in rule.items()]
    for each in told.get("disqualify", []):
        lines += ["", "[[disqualify]]"]
        lines += [f"{key} = {toml_value(value)}" for key, value in each.items()]
    return "\n".join(lines) + "\n"


def _comments(lines: Sequence[str]) -> list[str]:
    return [f"# {line}".rstrip() for line in lines]
