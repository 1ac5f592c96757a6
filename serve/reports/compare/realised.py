"""Champion against challenger by what the ledger has of both, in `scores` or `shadows`.

Worked example, horizon 30 days, data end 2026-03-01: the challenger was trained until 2025-12-20
and is scored beside the champion since 2026-01-10. Its readiness of 2026-01-19 on is fair; that up
to 2026-01-30 is mature. So the lists of 2026-01-19 to 2026-01-30 are judged.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from features.config import Config
from features.contract.database import LeadDatabase
from features.errors import BadInput, Refused
from features.open_database import open_database
from models.classifier.model import ReadinessModel
from models.realised import Realised, judge_realised
from models.registry import Registry
from serve.ledger.ledger import Ledger, open_ledger_of
from serve.ledger.shadows import see_shadows
from serve.reports.compare.outcomes import with_outcomes

MOST = 5  # challengers of a report, the newest
# One reading per lead and cutoff of each; of several the one that was scored last, as sales saw it.
_READINGS = """
CREATE OR REPLACE TEMP VIEW readings AS
SELECT lead_id, cutoff, model_version AS version, readiness, scored_at FROM scores
WHERE readiness IS NOT NULL
UNION ALL SELECT lead_id, cutoff, shadow_version, readiness, scored_at FROM shadows"""
_OF = """
SELECT lead_id, cutoff, arg_max(readiness, scored_at) AS {name}
FROM readings WHERE version = '{version}' AND list_contains($cutoffs, cutoff) GROUP BY ALL"""
_CUTOFFS = "SELECT DISTINCT cutoff FROM readings WHERE version = $version"
_RULES_VERSIONS = (
    "SELECT DISTINCT rules_version FROM scores WHERE list_contains($cutoffs, cutoff) ORDER BY 1"
)
_RULES = """
SELECT lead_id, cutoff, arg_max(rule_score, scored_at) AS rules
FROM scores WHERE rule_score IS NOT NULL AND list_contains($cutoffs, cutoff) GROUP BY ALL"""


def realised(
    config: Config,
    database: LeadDatabase,
    ledger: Ledger,
    challenger: ReadinessModel,
    champion: ReadinessModel | None,
) -> Realised:
    """Judge both by the lists on which both have said something. Raises Refused, with what is
    missing, where none is mature and fair to both."""
    see_shadows(ledger)
    ledger.query(_READINGS)
    versions = {"challenger": challenger.version}
    versions |= {"champion": champion.version} if champion else {}
    fair = _fair(ledger, database, challenger, champion)
    given = {"cutoffs": fair}
    joined = " JOIN ".join(
        f"({_OF.format(name=name, version=version)}) {name}_"
        + ("" if name == "challenger" else " USING (lead_id, cutoff)")
        for name, version in versions.items()
    )
    joined += f" JOIN ({_RULES}) rules_ USING (lead_id, cutoff)"
    rows = ledger.query(f"SELECT * FROM {joined} ORDER BY cutoff, lead_id", given)
    rules = ledger.fetched(_RULES_VERSIONS, given)
    rows, lost = with_outcomes(database, rows, challenger.horizon_days)
    if rows.empty:
        raise Refused(
            "No lead of the ledger's lists with known outcomes is in the data as open: is this the "
            "ledger of these tables?"
        )
    return judge_realised(config, rows, challenger, champion, [r for (r,) in rules], lost)


def _fair(
    ledger: Ledger,
    database: LeadDatabase,
    challenger: ReadinessModel,
    champion: ReadinessModel | None,
) -> list[datetime]:
    models = [model for model in (challenger, champion) if model is not None]
    names = " and ".join(f"version {model.version}" for model in models)
    both = [
        {cutoff for (cutoff,) in ledger.fetched(_CUTOFFS, {"version": model.version})}
        for model in models
    ]
    cutoffs = sorted(set.intersection(*both))
    if not cutoffs:
        raise Refused(
            f"The ledger has no list on which {names} said a readiness: set [shadow] challengers, "
            "and run readiness score each night."
        )
    horizon = max(model.horizon for model in models)
    since = max(model.fair_from for model in models)
    fair = [cutoff for cutoff in cutoffs if cutoff >= since]
    if not fair:
        raise Refused(
            f"The ledger has what {names} said up to {cutoffs[-1]:%Y-%m-%d}, and the first list "
            f"that is a fair test is that of {since:%Y-%m-%d}: wait for later lists."
        )
    mature = [cutoff for cutoff in fair if cutoff + horizon <= database.data_end]
    if not mature:
        raise Refused(
            f"No list with what {names} said is mature: the outcomes of the first, of "
            f"{fair[0]:%Y-%m-%d}, are known from {fair[0] + horizon:%Y-%m-%d} on, and the data end "
            f"on {database.data_end:%Y-%m-%d}."
        )
    return mature


def realised_for(
    config: Config, challenger: ReadinessModel, champion: ReadinessModel | None
) -> Realised:
    """As `realised`, from the ledger and the tables that readiness.toml names."""
    with (
        open_ledger_of(config) as ledger,
        open_database(challenger.staged(config)) as database,
    ):
        return realised(config, database, ledger, challenger, champion)


def all_realised(
    config: Config, database: LeadDatabase, champion: ReadinessModel
) -> Sequence[Realised]:
    """A version against each challenger that was scored beside it and can be judged, the newest
    first."""
    with open_ledger_of(config) as ledger:
        return list(_all_realised(config, database, ledger, champion))


def _all_realised(
    config: Config, database: LeadDatabase, ledger: Ledger, champion: ReadinessModel
) -> Iterator[Realised]:
    see_shadows(ledger)
    sql = (
        "SELECT DISTINCT shadow_version FROM shadows WHERE shadow_version <> $version "
        "ORDER BY try_cast(shadow_version AS INTEGER) DESC"
    )
    versions = ledger.fetched(sql, {"version": champion.version})
    registry, judged = Registry(config), 0
    for (version,) in versions:
        try:
            yield realised(config, database, ledger, registry.load(version), champion)
        except (BadInput, Refused):  # gone from the registry, or nothing mature yet
            continue
        judged += 1
        if judged == MOST:
            return
