"""Roles read from title and behaviour beside the true ones, on simulated companies, as Markdown.

    .venv/bin/python -m benchmarks.roles [SEED ...]    # docs/roles.md has what it printed

Every account with two people or more at the data end. Three ways to name who buys, by the default
titles.toml and roles.toml: title and behaviour, the entries of roles.toml that ask for the title
alone, and whoever did most. A simulated title is the right one in less than half of the cases.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from features.conditions.roles import Roles, Shown
from features.config import load
from features.open_database import open_database
from features.simulator.accounts import KINDS, ROLES, buying_groups
from features.simulator.simulate import write
from features.simulator.simulated import ChainTruth, Simulated
from features.starter.starter import write_starter
from serve.reports.people.figures import Person, Tables, everyone_of

SEEDS, LEADS, DAYS = (101, 102, 103), 1_000, 540
ACCOUNT = "account_id"
BUYS = ("signs", "decides")
TRUE = {"buyer": BUYS, "user": ("evaluates",), "researcher": ("researches",)}
NAMES = tuple(name for names in TRUE.values() for name in names)


def true_roles(company: Simulated) -> pd.Series:
    """The role of each lead of `buying_groups`, which nobody sees, by lead_id."""
    truth = company.true_probability
    assert isinstance(truth, ChainTruth)
    roles = np.array(list(ROLES))[truth.kinds // len(KINDS)]
    return pd.Series(roles, index=np.arange(1, len(roles) + 1))


def people_of_company(
    seed: int, leads: int, folder: Path, days: int = DAYS, accounts: int | None = None
) -> pd.DataFrame:
    """Each person of the first `accounts` (default: all) with two people or more: account, events,
    role as it is read from title and behaviour, `by_title` alone, and the true one."""
    company = buying_groups(leads, seed, days)
    write(company, folder)
    write_starter(folder)
    config = load(folder)
    features = config.features.model_copy(update={"account": ACCOUNT, "title": "job_title"})
    config = config.model_copy(update={"features": features})
    tables = Tables.of(config)
    roles = tables.roles
    of_title = Roles(group=roles.group, role=[each for each in roles.role if each.did is None])
    sizes = company.tables["leads"].groupby(ACCOUNT).size()
    rows = []
    with open_database(config) as database:
        for account in map(str, sizes.index[sizes > 1][:accounts]):
            people = everyone_of(tables, database, account, database.data_end)
            rows += [
                (seed, account, int(each.lead_id), each.events, each.role, _role(of_title, each))
                for each in people
            ]
    names = ["seed", "account", "lead_id", "events", "role", "by_title"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(truth=frame["lead_id"].map(true_roles(company)))


def _role(roles: Roles, person: Person) -> str | None:
    """The role of a person by entries that ask for the title alone."""
    known = Shown(person.title, person.seniority, person.department, {}, {})
    role = roles.role_of(known, [True] * len(roles.role))
    return role.name if role else None


def buyers_named(people: pd.DataFrame, named: "pd.Series[bool]") -> tuple[float, float]:
    """Of the people named as buyers the share that is one, and of the true buyers the share that is
    named."""
    buyer = people["truth"] == "buyer"
    return float(buyer[named].mean()), float(named[buyer].mean())


def most_active(people: pd.DataFrame) -> "pd.Series[bool]":
    """Who did most of each account; the first of several."""
    order = people.groupby(["seed", "account"])["events"].rank(method="first", ascending=False)
    return order == 1


def main(seeds: Sequence[int]) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as home:
        every = [people_of_company(seed, LEADS, Path(home) / str(seed)) for seed in seeds]
    people = pd.concat(every, ignore_index=True)
    ways = {
        "title and behaviour": people["role"].isin(BUYS),
        "title alone": people["by_title"].isin(BUYS),
        "whoever did most": most_active(people),
    }
    print(f"{len(people):,} people of {len(people.groupby(['seed', 'account'])):,} accounts\n")
    print("| named as who buys, by | people | of them buyers | of all buyers |\n|---|---|---|---|")
    for way, named in ways.items():
        right, reached = buyers_named(people, named)
        print(f"| {way} | {named.sum():,} | {right:.1%} | {reached:.1%} |")
    print(f"\n| true role | people | {' | '.join(NAMES)} | not clear | right |")
    print("|---|---|---|---|---|---|---|---|")
    for truth, group in people.groupby("truth"):
        shares = [group["role"].eq(role).mean() for role in NAMES]
        right = group["role"].isin(TRUE[str(truth)]).mean()
        cells = [f"{share:.1%}" for share in (*shares, group["role"].isna().mean(), right)]
        print(f"| {truth} | {len(group):,} | {' | '.join(cells)} |")
    top = people[most_active(people) & (people["truth"] == "researcher")]
    wrong, right = top["role"].isin(BUYS).mean(), top["role"].isin(TRUE["researcher"]).mean()
    print(f"\n{len(top):,} accounts whose most active person is a researcher: in {wrong:.1%} it is")
    print(f"read as one who buys, in {right:.1%} as one who researches.")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SEEDS)
