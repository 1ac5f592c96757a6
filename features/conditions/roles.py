"""Roles in the decision: who of an account decides, signs, evaluates, researches.

    [[group]]
    name = "evaluating"
    words = ["demo*", "trial*", "pric*"]     # of the names of actions, as words of titles.toml

    [[role]]
    name = "decides"
    buys = true
    seniority = ["owner", "executive"]

    [[role]]
    name = "evaluates"
    did = "evaluating"
    share_from = 0.25                        # at least a quarter of what the person did

The first entry that fits a person is its role; of what an entry does not name nothing is asked. A
role is read from title and behaviour: it is a reading, and no fact.

The file is `roles.toml` next to readiness.toml, else the one in this folder.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from features.conditions.conditions import AllOrConditions, Whole
from features.config import Config
from features.spec.spec import Spec, distinct
from features.spec.titles import Value, WordList, folded, pattern
from features.spec.wording import Words, percent
from features.toml import Strict, read_toml

DEFAULT = Path(__file__).with_name("roles.toml")
OTHER = "other"  # the group of actions that no group knows


@dataclass(frozen=True)
class Shown:
    """What is known of a person before a cutoff: title, seniority, department; how many events it
    has by group, and how many all people of its account have."""

    title: str | None
    seniority: str | None
    department: str | None
    did: Mapping[str, int]
    of_account: Mapping[str, int]


class Group(Strict):
    """Actions that have one of the `words` in their name."""

    name: Value
    words: WordList


class Role(Strict):
    """A person has this role that has one of the seniorities and one of the departments; that `did`
    something of a group `at_least` so often, as at least `share_from` of all it did; and of which
    `where` holds."""

    name: Value
    buys: bool = False
    seniority: list[Value] = Field(default_factory=list)
    department: list[Value] = Field(default_factory=list)
    did: Value | None = None
    at_least: Whole | None = None
    share_from: Annotated[float, Field(gt=0, le=1)] | None = None
    where: AllOrConditions | None = None

    @model_validator(mode="after")
    def _asks(self) -> Role:
        if not (self.seniority or self.department or self.did or self.where):
            raise ValueError("asks for nothing; name a seniority, a department, did or where")
        if self.did is None and (self.at_least or self.share_from):
            raise ValueError("at_least and share_from go with did, a group of actions")
        return self

    def fits(self, person: Shown, where_holds: bool) -> bool:
        """Whether a person has it; `where_holds` is whether `where` does."""
        done, every = person.did.get(self.did or "", 0), sum(person.did.values())
        return (
            (not self.seniority or person.seniority in self.seniority)
            and (not self.department or person.department in self.department)
            and (self.did is None or done >= (self.at_least or 1))
            and done >= (self.share_from or 0) * every
            and where_holds
        )

    def because(self, person: Shown, words: Words) -> str:
        """Why a person has it, in words.

        >>> did = {"reading": 34, "evaluating": 2}
        >>> person = Shown("CTO", "executive", "it", did, {"reading": 51, "evaluating": 9})
        >>> Role(name="decides", seniority=["executive"]).because(person, {})
        'executive (title CTO)'
        >>> Role(name="researches", did="reading", share_from=0.6).because(person, {})
        "reading: 34 of the account's 51, 94.4% of its own events"
        """
        parts = []
        of_title = [
            value
            for named, value in (
                (self.seniority, person.seniority),
                (self.department, person.department),
            )
            if named and value
        ]
        if of_title:
            parts.append(f"{', '.join(of_title)} (title {person.title})")
        if self.did is not None:
            done = person.did.get(self.did, 0)
            parts.append(f"{self.did}: {done:,} of the account's {person.of_account[self.did]:,}")
            if self.share_from is not None:
                parts.append(f"{percent(done / sum(person.did.values()))} of its own events")
        if self.where is not None:
            parts.append(self.where.words(words))
        return ", ".join(parts)


class Roles(Strict):
    """The whole of roles.toml."""

    group: list[Group] = Field(default_factory=list)
    role: list[Role] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Roles:
        groups = Counter(each.name for each in self.group)
        twice = [name for name, count in groups.items() if count > 1 or name == OTHER]
        if twice:
            raise ValueError(f"two groups are called {twice[0]!r} ({OTHER!r} is what none knows)")
        for each in self.role:
            if each.did is not None and each.did not in groups:
                near = difflib.get_close_matches(each.did, groups, n=1) or list(groups)
                raise ValueError(
                    f"the role {each.name!r} names did = {each.did!r}, which is no [[group]]; "
                    f"there is: {', '.join(near) or 'none'}"
                )
        return self

    @property
    def names(self) -> list[str]:
        """The roles, in the order of the file."""
        return list(dict.fromkeys(each.name for each in self.role))

    @property
    def buying(self) -> list[str]:
        """Those whose yes is needed."""
        return list(dict.fromkeys(each.name for each in self.role if each.buys))

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the conditions ask for."""
        return distinct(spec for each in self.role if each.where for spec in each.where.specs)

    def group_of(self, action: str) -> str:
        """The group of an action.

        >>> trying = Group(name="trying", words=["demo*"])
        >>> [Roles(group=[trying]).group_of(each) for each in ("Booked_Demo", "demos", "undemo")]
        ['trying', 'trying', 'other']
        """
        words = f" {folded(action)} "
        known = (each.name for each in self.group if re.search(pattern(each.words), words))
        return next(known, OTHER)

    def role_of(self, person: Shown, where_holds: Sequence[bool]) -> Role | None:
        """The first entry that fits; `where_holds`: for each entry, whether its `where` does."""
        fitting = (
            role
            for role, holds in zip(self.role, where_holds, strict=True)
            if role.fits(person, holds)
        )
        return next(fitting, None)


def load_roles(config: Config) -> Roles:
    """Read the roles: the roles.toml that readiness.toml names, or that is there under that name;
    else the default. Raises BadInput for a faulty one, and where the one named is missing."""
    path = config.optional_file("roles") or DEFAULT
    advice = "; readiness.toml names it under `roles`. Correct the path, or delete that line."
    return read_toml(path, Roles, advice)
