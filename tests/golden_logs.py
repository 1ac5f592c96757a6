"""The golden set: adversarial logs, each of many leads, on which every engine must agree with the
oracle. The same on every machine: Hypothesis draws them without chance.

Many little databases (tests/features/adversarial.py) are laid beside one another, one log with text
ids and one with integers; to each comes a lead whose events all fall on a few instants.
"""

from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.features.adversarial import (
    ACTIONS,
    ATTRIBUTES,
    CONTENTS,
    CUTOFFS,
    TEXT_IDS,
    Rows,
    databases,
)
from tests.features.lead_databases import MICROSECOND, event
from tests.models.rules.test_points_oracle import SOME_FILE

EXAMPLES = 12
CROWD = 300  # events of the busy lead
QUIETLY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def one_example(strategy):
    """What Hypothesis would test, as a list."""
    result = []

    @QUIETLY
    @given(strategy)
    def keep(value):
        result.append(value)

    keep()
    return result


def golden_log(kind):
    """The log with ids of a kind: "text" or "integer"."""
    together = Rows([], [], [])
    for number, rows in enumerate(one_example(databases(least_leads=8))):
        ids = {lead["lead_id"]: _id(kind, place, number) for place, lead in enumerate(rows.leads)}
        for name, into in vars(together).items():
            into += [each | {"lead_id": ids[each["lead_id"]]} for each in getattr(rows, name)]
    busy = "busy" if kind == "text" else 2**53 + 1  # beyond what a double holds
    lead = dict.fromkeys(ATTRIBUTES) | {"lead_id": busy, "created_at": CUTOFFS[0] - MICROSECOND}
    together.leads.append(lead)
    together.events.extend(_crowd(busy))
    return together


def golden_rules():
    """Points tables with rules of every kind, each of their own draw."""
    return one_example(st.lists(SOME_FILE, min_size=2, max_size=2))[-1] + one_example(SOME_FILE)


def _id(kind, place, number):
    return TEXT_IDS[place] + "'" * number if kind == "text" else 100 * number + place


def _crowd(lead_id):
    for place in range(CROWD):
        when = CUTOFFS[place % 3] - timedelta(hours=place % 7, minutes=30 * (place % 5))
        action, content = ACTIONS[place % len(ACTIONS)], CONTENTS[place % len(CONTENTS)]
        yield event(lead_id, when, action, content=content, value=float(place) * 1e6)
