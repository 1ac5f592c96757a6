"""What people decide about leads of the ledger, checked against it before it is stored."""

from collections.abc import Sequence

from features.errors import BadInput
from models.decisions import overrides
from models.decisions.overrides import Override, in_force
from models.decisions.store import open_decisions, transaction
from models.routing import ROUTES
from serve.ledger.ledger import Ledger


def add_override(ledger: Ledger, decided: Override) -> None:
    """Append a decision. Raises BadInput for one without a reason, that ends before it holds, about
    a lead that the ledger does not know, or that withdraws what is not in force."""
    lead, since = decided.lead_id, decided.since
    if decided.route is not None and decided.route not in ROUTES:
        raise BadInput(f"There is no route {decided.route!r}: give one of {', '.join(ROUTES)}.")
    if not decided.because.strip():
        raise BadInput("Say why, in a few words: whoever reads the list later will ask.")
    if decided.until is not None and decided.until <= since:
        raise BadInput(
            f"It would end on {decided.until:%Y-%m-%d %H:%M}, but it holds from the list of "
            f"{since:%Y-%m-%d %H:%M} on: name a later end."
        )
    if not ledger.value("SELECT 1 FROM scores WHERE lead_id = $lead LIMIT 1", {"lead": lead}):
        raise BadInput(f"The ledger has no row of {lead!r}. Is the id right? Has it been scored?")
    with open_decisions(ledger.place) as store, transaction(store):
        if decided.route is None and in_force(overrides.all_of(store, lead), since) is None:
            raise BadInput(
                f"No decision about lead {lead} is in force at the list of "
                f"{since:%Y-%m-%d %H:%M}: there is nothing to withdraw."
            )
        overrides.add(store, decided)
    ledger.refresh()


def decisions_about(ledger: Ledger, lead_id: str) -> Sequence[Override]:
    """Every decision about a lead, in the order made."""
    if not ledger.place.has_decisions:
        return ()
    with open_decisions(ledger.place) as store:
        return overrides.all_of(store, lead_id)
