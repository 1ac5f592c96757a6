"""What the service cannot score out of a request."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from features.config import Features
from features.errors import BadInput
from features.spec.accounts import Colleagues, People
from features.spec.kinds import Attribute, Count
from models.rules.rules import parse_rules
from serve.app.score_request import Lead
from serve.app.scoring import score
from serve.scoring.scorer import Scorer
from tests.models.small_model import FROM_EVENTS, fitted

CUTOFF = datetime(2026, 3, 2)


def test_a_model_that_looks_at_colleagues_is_refused() -> None:
    """A request holds no colleagues: they would count as absent, whoever they are."""
    rules = parse_rules(FROM_EVENTS.files["rules.toml"], Path("rules.toml"))
    model = fitted()
    own = Scorer(model, rules)
    attributes = {"size": 1.0, "account_id": "ACME"}
    lead = Lead(lead_id="1", created_at="2026-01-01T00:00:00Z", attributes=attributes)
    assert [each.state for each in score(own, [lead], CUTOFF)] == ["scored"]
    with_colleagues = replace(
        model, specs=(Count(), Attribute("size", False), Colleagues(People(), "account_id"))
    )
    with pytest.raises(BadInput, match="colleagues"):
        score(replace(own, model=with_colleagues), [lead], CUTOFF)
    as_trained = with_colleagues.as_trained(Features())
    assert (as_trained.account, as_trained.attributes) == ("account_id", ["size"])
