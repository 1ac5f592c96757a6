"""How a lead database is read: what the settings say of its leads, events and outcomes."""

from dataclasses import dataclass, field

from features.conditions.membership import Membership, load_membership
from features.config import Config, Exclude, Features, Outcomes
from features.spec.accounts import account_column
from features.spec.compiled import attribute_columns
from features.spec.spec import Spec


@dataclass(frozen=True)
class Reading:
    """What staging goes by. `membership` are the conditions of [cohort]; None where there are none:
    every open lead is in the cohort."""

    features: Features = field(default_factory=Features)
    outcomes: Outcomes = field(default_factory=Outcomes)
    exclude: Exclude = field(default_factory=Exclude)
    membership: Membership | None = None

    @classmethod
    def of(cls, config: Config) -> "Reading":
        """As readiness.toml has it. Raises BadInput for conditions of [cohort] that do not fit."""
        return cls(config.features, config.outcomes, config.exclude, load_membership(config))

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the conditions of [cohort] ask for."""
        return self.membership.specs if self.membership else ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns of leads that features.attributes, features.account, features.title and the
        conditions of [cohort] name."""
        account = self.features.account
        named = [] if account is None else [account_column(account)[0]]
        named += [] if self.features.title is None else [self.features.title]
        columns = [*self.features.attributes, *named, *attribute_columns(self.specs)]
        return tuple(dict.fromkeys(columns))
