"""Which group each snapshot is in, by columns of tables.leads that need not be features."""

from collections.abc import Sequence

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.spec.kinds import Attribute

OTHER, NO_VALUE = "other", "unknown"


def group_specs(config: Config) -> tuple[Attribute, ...]:
    """What a lead database must be opened with to have the columns of [fairness]: beside its own
    attributes, so that they become nobody's features."""
    return tuple(Attribute(name, text=True) for name in dict.fromkeys(config.fairness.groups))


def group_names(
    database: LeadDatabase, specs: Sequence[Attribute], lead_id: pd.Series, least_leads: int
) -> pd.DataFrame:
    """The group of each snapshot: a column for each spec, by its column of leads, of n rows.

    lead_id: of each snapshot, shape (n,). database: opened with the specs. least_leads: as of
    `named_groups`.
    """
    columns = ", ".join(f"min({spec.sql}) AS value{at}" for at, spec in enumerate(specs))
    values = database.query(
        f"SELECT l.lead_id, {columns} FROM leads l WHERE l.lead_id IS NOT NULL GROUP BY l.lead_id"
    )
    of_snapshots = values.set_index("lead_id").reindex(lead_id)
    return pd.DataFrame(
        {
            spec.column: named_groups(of_snapshots[f"value{at}"], lead_id, least_leads)
            for at, spec in enumerate(specs)
        }
    )


def named_groups(values: pd.Series, lead_id: pd.Series, least_leads: int) -> pd.Categorical:
    """The group of each snapshot by the value of its lead, shape (n,), the largest group first.

    Values that fewer than `least_leads` leads have are `other`; without one, or blank, `unknown`.

    >>> leads = pd.Series([1, 1, 2, 3, 4])
    >>> countries = pd.Series(["DE", "DE", " DE", "FR", None])
    >>> list(named_groups(countries, leads, least_leads=2))
    ['DE', 'DE', 'DE', 'other', 'unknown']
    """
    texts = pd.Series(values.to_numpy(object)).str.strip().replace("", None)
    names = texts.where(texts.notna(), NO_VALUE)
    sizes = pd.Series(lead_id.to_numpy()).groupby(names).nunique().drop(NO_VALUE, errors="ignore")
    large = sizes[sizes >= least_leads].drop(OTHER, errors="ignore")
    by_size = large.sort_index().sort_values(ascending=False, kind="stable")
    order = [*by_size.index, OTHER, NO_VALUE]
    return pd.Categorical(names.where(names.isin(order), OTHER), categories=order)
