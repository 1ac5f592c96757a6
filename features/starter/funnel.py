"""The funnel.toml that `readiness init` writes: the usual five stages, their actions guessed from
the points that the starter gives them."""

from collections.abc import Callable, Iterable

from features.starter.guesses import IMPORTANT, MINOR, REQUEST
from features.toml import toml_value

MOST_ACTIONS = 20  # per stage
HEAD = """\
# The funnel, written by `readiness init`. Its actions are GUESSES from their names: replace them by
# what a lead has to do in your company. `readiness funnel` shows how far leads come, and how fast.
# A lead enters a stage in any of the ways below, at the first of them; rows of the table `stages`
# take precedence. A lead that enters a later stage has also passed the earlier ones by then. Leads
# that skipped a stage are left out of the figures of its phase.
#   created         true: when the lead was created
#   actions         at the first of these actions
#   contact         "made" or "accepted", by the table contacts
#   won             true: when the deal was won
#   points_from, readiness_from, band, route   as first in the ledger of `readiness score`
#   within_days     days to come here from the stage before (default: the one below)
#   reference       [low, high]: the share that should come here from the stage before by then

within_days = 90            # a phase is judged on leads that entered it at least so long ago
whole_within_days = 180     # the same from the first stage to the last
# recent_days = 90          # these days are compared with all before; default: the later half
period = "month"            # of --by cohort and --by period: week, month or quarter

# [plan]                    # a target, for `readiness plan` and the page of the funnel
# deals = 40
# by = 2027-03-31
"""


def funnel_text(actions: Iterable[str], contacts: bool, points_of: Callable[[str], float]) -> str:
    """The text of funnel.toml: subscriber > lead > MQL > SQL > customer; a stage without a way into
    it is left out.

    actions: as observed, most frequent first. contacts: whether there is that table; without it,
    requests to sales (a form sent, a quote opened) make an SQL.
    """
    points = {action: points_of(action) for action in actions if action}
    requests = [action for action in points if points[action] >= REQUEST]
    qualifying = [action for action in points if points[action] >= IMPORTANT]
    if not contacts:
        qualifying = [action for action in qualifying if action not in requests]
    engaged = [action for action in points if MINOR <= points[action] < IMPORTANT]
    sql = 'contact = "accepted"' if contacts else _by_actions(requests)
    ways = {"lead": _by_actions(engaged), "MQL": _by_actions(qualifying), "SQL": sql}
    stages = {"subscriber": "created = true", **ways, "customer": "won = true"}
    parts = [f'[[stage]]\nname = "{name}"\n{way}\n' for name, way in stages.items() if way]
    return "\n".join([HEAD, *parts])


def _by_actions(actions: list[str]) -> str:
    return f"actions = {toml_value(actions[:MOST_ACTIONS])}" if actions else ""
