"""Specs taken apart, once per pass: leaves for the engine, and what is derived from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from features.spec.accounts import account_column
from features.spec.kinds import Attribute, DaysSinceDate
from features.spec.spec import Derived, Leaf, OfAccount, OfEvents, OfLead, Spec
from features.spec.titles import titles_of


@dataclass(frozen=True)
class Compiled:
    """The leaves of some specs, each name once, and the derived features among them and their
    parts, each after its own parts."""

    leaves: tuple[Leaf, ...]
    derived: tuple[Derived, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of leads that are features, or that features are computed from."""
        read = (leaf for leaf in self.leaves if isinstance(leaf, Attribute | DaysSinceDate))
        return tuple(dict.fromkeys(leaf.column for leaf in read))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those, the columns that name the account, and that of the titles."""
        of_account = (account_column(leaf.account)[0] for leaf in self.of_account)
        return tuple(dict.fromkeys([*self.columns, *of_account, *titles_of(self.leaves)]))

    @property
    def of_account(self) -> tuple[OfAccount, ...]:
        """The leaves that are measured over the lead's account."""
        return tuple(leaf for leaf in self.leaves if isinstance(leaf, OfAccount))


def compile_specs(specs: Iterable[Spec]) -> Compiled:
    """Take specs apart. Where names are the same, a leaf among the specs wins over a part.

    Raises BadInput for a segment whose definition this version cannot read.

    >>> from features.spec.kinds import Age, Count, Ratio
    >>> compiled = compile_specs([Ratio(Count(), Age()), Count(None, 7), Count()])
    >>> [leaf.name for leaf in compiled.leaves], [each.name for each in compiled.derived]
    (['count_7d', 'count_all', 'age_days'], ['count_all/age_days'])
    """
    return _compiled(tuple(specs))


@lru_cache(maxsize=64)  # a service asks for the same ones again and again
def _compiled(specs: tuple[Spec, ...]) -> Compiled:
    leaves: dict[str, Leaf] = {}
    derived: dict[str, Derived] = {}

    def add(spec: Spec) -> None:
        if isinstance(spec, Derived):
            for part in spec.parts:
                add(part)
            derived.setdefault(spec.name, spec)
        elif isinstance(spec, OfLead | OfEvents | OfAccount):
            leaves.setdefault(spec.name, spec)

    for spec in sorted(specs, key=lambda spec: isinstance(spec, Derived)):
        add(spec)
    return Compiled(tuple(leaves.values()), tuple(derived.values()))


def attribute_columns(specs: Iterable[Spec]) -> tuple[str, ...]:
    """The attributes of the lead that some specs are computed from."""
    return compile_specs(specs).attributes


def accounts_of(specs: Iterable[Spec]) -> tuple[str, ...]:
    """What names the accounts that some specs are measured over."""
    return tuple(dict.fromkeys(leaf.account for leaf in compile_specs(specs).of_account))
