"""The segments.toml that `readiness init` writes: a few segments of the actions and sources found,
guessed from their names, and examples to write others by."""

from collections.abc import Callable

from features.contract.database import LeadDatabase
from features.toml import toml_value

IMPORTANT, READING = 10, 2  # points as the starter guesses them
MOST_ACTIONS, MOST_SOURCES = 6, 3
HEAD = """\
# Segments, written by `readiness init`: named filters over the leads. They are GUESSES from the
# names of actions and sources; put in those that you think in. Then `readiness segments` says of
# each how many open leads are in it, and what share of such leads was won.
#   all, any, none    lists of conditions: each of `all` holds, one of `any`, none of `none`
# A condition is one of
#   {action = "visited_pricing", window_days = 30, at_least = 3}   also at_most, on_days_at_least;
#       content = "/pricing/*", source = "...", value_from = 100 and value_below = 500 narrow it
#   {at_least = 5}                                any deeds
#   {quiet_days = 14}                             no deed for 14 days; with an action: none of that
#   {attribute = "country", is = ["DE", "AT"]}    or from = 50, below = 250
#   {first_source = "paid_*"}                     of the deeds, each * any text; or last_source
# What is unknown never holds. A segment as a feature of the model: features.segments in
# readiness.toml. Only its leads in a list: readiness score --segment NAME.

"""


def segments_text(database: LeadDatabase, points_of: Callable[[str], float]) -> str:
    """The text of segments.toml for the actions and sources found in a lead database."""
    points = {action: points_of(action) for action in database.actions if action}
    asking = [action for action, given in points.items() if given >= IMPORTANT][:MOST_ACTIONS]
    reading = [action for action, given in points.items() if given == READING][:MOST_ACTIONS]
    leaving = [action for action, given in points.items() if given < 0][:MOST_ACTIONS]
    parts = [_segment("came back on five days", all="{on_days_at_least = 5}")]
    if asking:
        parts.append(
            _segment("serious interest, last 30 days", any=_deeds(asking, "window_days = 30"))
        )
    if reading:
        parts.append(_segment("read up three times", any=_deeds(reading, "at_least = 3")))
    parts.append(_segment("quiet for 14 days", all="{quiet_days = 14}"))
    if asking:
        none = _deeds(asking)
        parts.append(_segment("active, asked for nothing", all="{window_days = 14}", none=none))
    if leaving:
        parts.append(_segment("signed off", any=_deeds(leaving)))
    parts += [_from(source) for source in _sources(database)]
    return HEAD + "\n".join(parts)


def _segment(name: str, **lists: str) -> str:
    given = "".join(f"{key} = [{conditions}]\n" for key, conditions in lists.items())
    return f"[[segment]]\nname = {toml_value(name)}\n{given}"


def _deeds(actions: list[str], more: str = "") -> str:
    """Conditions on deeds, one to a line where they are several."""
    ends = f", {more}" if more else ""
    each = [f"{{action = {toml_value(action)}{ends}}}" for action in actions]
    return each[0] if len(each) == 1 else "".join(f"\n  {one}," for one in each) + "\n"


def _from(source: str) -> str:
    condition = f'{{attribute = "source", is = {toml_value(source)}}}'
    return _segment(f"came by {_nameable(source)}", all=condition)


def _nameable(source: str) -> str:
    """The source as part of a name: printable, short, without a semicolon."""
    letters = (letter if letter.isprintable() and letter not in ";_" else " " for letter in source)
    return " ".join("".join(letters).split())[:40].strip()


def _sources(database: LeadDatabase) -> list[str]:
    """The sources that brought the most leads, each with a name of its own."""
    if "source" not in database.columns["leads"]:
        return []
    rows = database.query(
        "SELECT source, count(*) AS leads FROM leads WHERE source <> '' GROUP BY source "
        f"ORDER BY leads DESC, source LIMIT {MOST_SOURCES}"
    )
    named = {_nameable(source): source for source in rows["source"]}
    return [source for name, source in named.items() if name]
