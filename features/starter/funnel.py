"""The funnel.toml that `readiness init` writes: the usual five stages, their actions guessed from
the points that the starter gives them."""

from collections.abc import Callable, Iterable

from features.toml import toml_value

MOST_ACTIONS = 20  # named per stage
MINOR, IMPORTANT, ASKING = 2, 10, 20  # points as the starter guesses them
HEAD = """\
# The funnel, written by `readiness init`. Its actions are GUESSES from their names: put in what a
# lead has to do in your house. Run `readiness funnel` to see how far leads come, and how fast.
# A lead enters a stage by any of its ways, the first counts; rows of the table `stages` win over
# them. Who enters a later stage has passed the earlier ones then at the latest; a stage that was
# skipped says nothing of its phase, so its skippers are in none of the phase's figures.
#   created         true: when the lead was created
#   actions         the first of these deeds
#   contact         "made" or "accepted", by the table contacts
#   won             true: when the deal was won
#   points_from, readiness_from, band, route   as first seen in the ledger of `readiness score`
#   within_days     so many days to come here from the stage before (default: the one below)
#   reference       [low, high]: the share that should come here from the stage before in that time

within_days = 90            # a phase is judged on the leads that entered it so long ago or longer
whole_within_days = 180     # the same from the first stage to the last
# recent_days = 90          # hold these days against all before; default: the later half
period = "month"            # of --by cohort and --by period: week, month or quarter
"""


def funnel_text(actions: Iterable[str], contacts: bool, points_of: Callable[[str], float]) -> str:
    """The text of funnel.toml: subscriber > lead > MQL > SQL > customer; a stage that nothing leads
    into is left out.

    actions: as observed, most frequent first. contacts: whether there is that table; without it,
    what asks for sales (a form sent, a quote opened) makes an SQL.
    """
    points = {action: points_of(action) for action in actions if action}
    asking = [action for action in points if points[action] >= ASKING]
    wanting = [action for action in points if points[action] >= IMPORTANT]
    if not contacts:
        wanting = [action for action in wanting if action not in asking]
    engaged = [action for action in points if MINOR <= points[action] < IMPORTANT]
    sql = 'contact = "accepted"' if contacts else _by_actions(asking)
    ways = {"lead": _by_actions(engaged), "MQL": _by_actions(wanting), "SQL": sql}
    stages = {"subscriber": "created = true", **ways, "customer": "won = true"}
    parts = [f'[[stage]]\nname = "{name}"\n{way}\n' for name, way in stages.items() if way]
    return "\n".join([HEAD, *parts])


def _by_actions(actions: list[str]) -> str:
    return f"actions = {toml_value(actions[:MOST_ACTIONS])}" if actions else ""
