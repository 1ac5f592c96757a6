"""Opening a lead database, wherever its tables are: with DuckDB, or on Spark."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from features.config import Config
from features.contract.database import LeadDatabase, further_attributes, open_files
from features.contract.whole_accounts import of_unit
from features.cutoffs import utc_now
from features.errors import BadInput
from features.progress import step
from features.spark.whole import open_sample
from features.spec.spec import Spec


@contextmanager
def open_database(
    config: Config, specs: Iterable[Spec] = (), leads: Sequence[str] = ()
) -> Iterator[LeadDatabase]:
    """Open and stage the lead database that readiness.toml names, of leads or of accounts.

    specs: what rules or segments will ask for; their attributes are staged too, but are no features
    of a model. leads: those that must be in it, where it holds only some (engine.spark.most_leads).
    Raises BadInput for tables that are absent, unreadable, or lack columns, and for a data end in
    the future.
    """
    end = config.time.data_end
    if end and end > utc_now():
        raise BadInput(
            f"time.data_end is {end}, in the future: leads would count as lost whose time "
            "has not come. Leave it out, or name when the extract was made."
        )
    if config.engine.kind == "duckdb":
        opened = open_files(config, specs)
    else:
        opened = open_sample(config, further_attributes(specs), leads)
    with ExitStack() as stack:
        with step("open the tables"):
            leads_of = stack.enter_context(opened)
            unit = of_unit(leads_of, config.account, config.outcomes)
            database = stack.enter_context(unit)
        yield database
