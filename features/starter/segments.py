"""The segments.toml that `readiness init` writes: a few segments guessed from the names of actions
and sources, and examples of conditions."""

from collections.abc import Callable

from features.contract.database import LeadDatabase
from features.starter.guesses import IMPORTANT, MINOR
from features.toml import toml_value

MOST_ACTIONS, MOST_SOURCES = 6, 3
HEAD = """\
# Segments, written by `readiness init`: named filters over the leads. They are GUESSES from the
# names of actions and sources: replace them by the segments that you use. `readiness segments`
# shows for each how many open leads are in it, and what share of such leads was won.
#   all, any, none    lists of conditions: all of `all` hold, at least one of `any`, none of `none`
# A condition is one of
#   {action = "visited_pricing", window_days = 30, at_least = 3}   also at_most, on_days_at_least;
#       content = "/pricing/*", source = "...", value_from = 100 and value_below = 500 narrow it
#   {at_least = 5}                                any events
#   {quiet_days = 14}                             no event for 14 days; or no such action
#   {attribute = "country", is = ["DE", "AT"]}    or from = 50, below = 250
#   {first_source = "paid_*"}                     of the events, * is any text; or last_source
# A condition on an unknown value does not hold. To use a segment as a feature of the model, name it
# in features.segments of readiness.toml. To list its leads only: readiness score --segment NAME.

"""


def segments_text(database: LeadDatabase, points_of: Callable[[str], float]) -> str:
    """The text of segments.toml for the actions and sources of a lead database."""
    points = {action: points_of(action) for action in database.actions if action}
    important = [action for action, n in points.items() if n >= IMPORTANT][:MOST_ACTIONS]
    minor = [action for action, n in points.items() if n == MINOR][:MOST_ACTIONS]
    leaving = [action for action, n in points.items() if n < 0][:MOST_ACTIONS]
    parts = [_segment("came back on five days", all="{on_days_at_least = 5}")]
    if important:
        recent = _conditions(important, "window_days = 30")
        parts.append(_segment("serious interest, last 30 days", any=recent))
    if minor:
        parts.append(_segment("read up three times", any=_conditions(minor, "at_least = 3")))
    parts.append(_segment("quiet for 14 days", all="{quiet_days = 14}"))
    if important:
        none = _conditions(important)
        parts.append(_segment("active, asked for nothing", all="{window_days = 14}", none=none))
    if leaving:
        parts.append(_segment("signed off", any=_conditions(leaving)))
    parts += [_from(source) for source in _sources(database)]
    return HEAD + "\n".join(parts)


def _segment(name: str, **lists: str) -> str:
    keys = "".join(f"{key} = [{conditions}]\n" for key, conditions in lists.items())
    return f"[[segment]]\nname = {toml_value(name)}\n{keys}"


def _conditions(actions: list[str], more: str = "") -> str:
    """A condition for each action; several are written one to a line."""
    end = f", {more}" if more else ""
    each = [f"{{action = {toml_value(action)}{end}}}" for action in actions]
    return each[0] if len(each) == 1 else "".join(f"\n  {one}," for one in each) + "\n"


def _from(source: str) -> str:
    condition = f'{{attribute = "source", is = {toml_value(source)}}}'
    return _segment(f"came by {_nameable(source)}", all=condition)


def _nameable(source: str) -> str:
    """The source as part of a name: printable, short, without a semicolon."""
    letters = (letter if letter.isprintable() and letter not in ";_" else " " for letter in source)
    return " ".join("".join(letters).split())[:40].strip()


def _sources(database: LeadDatabase) -> list[str]:
    """The sources that brought the most leads, no two with the same name."""
    if "source" not in database.columns["leads"]:
        return []
    rows = database.query(
        "SELECT source, count(*) AS leads FROM leads WHERE source <> '' GROUP BY source "
        f"ORDER BY leads DESC, source LIMIT {MOST_SOURCES}"
    )
    named = {_nameable(source): source for source in rows["source"]}
    return [source for name, source in named.items() if name]
