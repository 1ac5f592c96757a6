"""Other points in the text of a rules.toml, which stays as it is in all else: comments, layout."""

import re
from collections.abc import Sequence
from pathlib import Path

from features.errors import BadInput
from models.rules.rules import RuleScore, parse_rules

_HEADER = re.compile(r"\s*\[\[?\s*([\w.]+)\s*\]\]?\s*(#.*)?")
_POINTS = re.compile(r"(\s*points\s*=\s*)([-+\w.]+)")


def with_points(rules: RuleScore, points: Sequence[float]) -> RuleScore:
    """The rules with other points, one per rule in the order of the file; their text is the text of
    these with the numbers alone replaced.

    Raises BadInput for points that no rule may give, and where the text has the rules in another
    form than a [[rule]] with a line `points = ...` each.
    """
    if len(points) != len(rules.file.rule):
        raise BadInput(
            f"{len(points)} points were given for {len(rules.file.rule)} rules: the points table "
            "was changed meanwhile. Load the page again."
        )
    lines, table, rule = [], "", -1
    for line in rules.text.split("\n"):
        if header := _HEADER.fullmatch(line):
            table = header[1]
            rule += table == "rule"
        matched = _POINTS.match(line) if table == "rule" else None
        if matched and float(matched[2].replace("_", "")) != points[rule]:
            line = f"{matched[1]}{points[rule]:.10g}{line[matched.end() :]}"
        lines.append(line)
    edited = parse_rules("\n".join(lines), Path("the draft"))
    same = [rule.model_copy(update={"points": 0.0}) for rule in rules.file.rule]
    others = [rule.model_copy(update={"points": 0.0}) for rule in edited.file.rule]
    if [rule.points for rule in edited.file.rule] != list(points) or same != others:
        raise BadInput(
            "The points cannot be replaced one by one: write each rule as [[rule]] with a line "
            "`points = ...` of its own, or edit the file by hand."
        )
    return edited
