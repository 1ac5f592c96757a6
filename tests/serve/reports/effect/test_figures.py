"""From a ledger with draws and the outcomes since: each lead once, by its draw, against a count in
plain Python."""

import random
from contextlib import contextmanager
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest

from features.config import Routing
from features.open_database import open_database
from features.result_json import to_json
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from models.effects.power import leads_needed, weeks_needed
from models.routing import Router
from models.statistics.intervals import newcombe, wilson
from serve.ledger.decide import add_override
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.reports.effect.figures import effect_report
from tests.features.lead_databases import TIME, at, config_for, event, write_database, write_table

LISTS = [at("2026-03-02") + timedelta(days=7 * week) for week in range(7)]
END = at("2026-04-15")  # lists up to 2026-03-16 are mature, 30 days
DAYS = timedelta(days=30)


def company(seed: int, leads: int = 700) -> tuple[list[dict], dict, list[dict], list[dict]]:
    """Leads that come over ten weeks, with a readiness each; deals, contacts."""
    rng = random.Random(seed)
    rows, readiness, deals, contacts = [], {}, [], []
    for number in range(1, leads + 1):
        created = at("2026-02-01") + timedelta(hours=rng.uniform(0, 70 * 24))
        rows.append({"lead_id": number, "created_at": created})
        readiness[str(number)] = rng.random()
        if rng.random() < 0.8:
            closed = created + timedelta(days=rng.uniform(1, 90))
            outcome = rng.choice(["won", "won", "lost"])
            deals.append({"lead_id": number, "closed_at": closed, "outcome": outcome})
        if rng.random() < 0.4:
            when = created + timedelta(days=rng.uniform(1, 60))
            contacts.append({"lead_id": number, "contacted_at": when})
    return rows, readiness, deals, contacts


def write_lists(ledger, rows, readiness, deals, holdout, lists=LISTS) -> None:
    """Every list as the router makes it of the leads that are open: 60 can be called."""
    closed = {deal["lead_id"]: deal["closed_at"] for deal in deals}
    for cutoff in lists:
        open_leads = [
            str(row["lead_id"])
            for row in rows
            if row["created_at"] < cutoff <= closed.get(row["lead_id"], END)
        ]
        part = pd.DataFrame(
            {
                "lead_id": open_leads,
                "state": "scored",
                "readiness": [readiness[lead] for lead in open_leads],
                "rule_score": 1.0,
            }
        )
        router = Router(60, cutoff, Routing(holdout=holdout))
        ledger.write(Run(cutoff, "1", "r"), [part], len(part), router, cutoff)


@contextmanager
def opened(folder, holdout, seed=1, **how):
    rows, readiness, deals, contacts = company(seed)
    write_database(folder, rows, [event(1, END)], deals)
    write_table(folder / "contacts.parquet", contacts, {"contacted_at": TIME}, pa.int64())
    config = config_for(
        folder, tables={"contacts": "contacts.parquet"}, time={"data_end": END},
        routing={"holdout": holdout},
    )  # fmt: skip
    with open_database(config) as database, open_ledger(LedgerPlace(folder / "out")) as ledger:
        write_lists(ledger, rows, readiness, deals, holdout, **how)
        yield config, ledger, database, (rows, readiness, deals, contacts)


def test_the_counts_are_those_of_a_plain_count(tmp_path) -> None:
    with opened(tmp_path, 0.3) as (config, ledger, database, (_, readiness, deals, contacts)):
        result = effect_report(config, ledger, database)
        listed = ledger.query("SELECT lead_id, cutoff, coalesce(holdout, false), route FROM scores")
    first = {}
    for lead, cutoff, back, route in sorted(listed.itertuples(index=False), key=lambda r: r[1]):
        if route == "sales" or back:
            first.setdefault(lead, (cutoff.to_pydatetime(), bool(back)))
    won = {}
    for lead, (cutoff, _) in first.items():
        if cutoff + DAYS <= END:
            won[lead] = any(
                str(deal["lead_id"]) == lead
                and deal["outcome"] == "won"
                and cutoff <= deal["closed_at"] < cutoff + DAYS
                for deal in deals
            )
    held = {lead for lead in won if first[lead][1]}
    called = won.keys() - held
    assert (len(held) > 10, sum(won[lead] for lead in held) > 0) == (True, True)
    assert result.in_draw == len(first)
    assert result.waiting == len(first) - len(won)
    arms = result.effect.called, result.effect.held_back
    for arm, leads in zip(arms, (called, held), strict=True):
        assert (arm.leads, arm.won) == (len(leads), sum(won[lead] for lead in leads))
    # All lists are of March: one month, so the plain shares.
    expected = newcombe(*(wilson(arm.won, arm.leads) for arm in arms))
    assert result.effect.difference == pytest.approx(expected)
    met = {
        lead
        for lead in won
        for each in contacts
        if str(each["lead_id"]) == lead
        and first[lead][0] <= each["contacted_at"] < first[lead][0] + DAYS
    }
    assert result.contacted == {"called": len(met & called), "held_back": len(met & held)}
    ranks = sorted(won, key=lambda lead: -readiness[lead])
    best = ranks[: len(ranks) // 3]
    best_third = result.thirds[0]
    assert abs(best_third.called.leads + best_third.held_back.leads - len(best)) <= 1
    assert abs(best_third.held_back.leads - len(held & set(best))) <= 1


def test_the_power_is_of_the_leads_with_a_place_for_the_first_time(tmp_path) -> None:
    with opened(tmp_path, 0.3) as (config, ledger, database, _):
        power = effect_report(config, ledger, database).power
        first = ledger.query(
            "SELECT min(cutoff) AS cutoff FROM scores WHERE route = 'sales' OR holdout "
            "GROUP BY lead_id"
        )["cutoff"]
        effect = effect_report(config, ledger, database).effect
    assert power.per_week == (first > LISTS[0]).sum() / 6  # seven lists are six weeks
    assert (power.base_rate, power.leads) == (
        effect.called.won / effect.called.leads,
        effect.called.leads,
    )
    assert {each.holdout for each in power.needed} == {0.05, 0.1, 0.2, 0.3, 0.5}
    for each in power.needed:
        leads = leads_needed(power.base_rate, each.points, each.holdout)
        assert (each.leads, each.weeks) == (leads, weeks_needed(leads, power.per_week, 30))


def test_without_a_draw_no_effect_is_computed_from_calls(tmp_path) -> None:
    """There are calls and outcomes, but nobody was held back."""
    with opened(tmp_path, 0.0) as (config, ledger, database, _):
        result = effect_report(config, ledger, database)
    assert (result.in_draw, result.effect, result.thirds) == (0, None, ())
    assert "not known" in result.verdict.headline
    assert result.power.base_rate > 0
    assert all(each.weeks > 4 for each in result.power.needed if each.leads)
    assert to_json(result)["effect"] is None


def test_of_one_list_nothing_is_known_yet(tmp_path) -> None:
    with opened(tmp_path, 0.3, lists=[at("2026-04-06")]) as (config, ledger, database, _):
        result = effect_report(config, ledger, database)
    assert (result.in_draw, result.waiting, result.effect) == (result.waiting, result.in_draw, None)
    assert result.in_draw > 60
    assert (result.power.base_rate, result.power.per_week) == (None, None)
    assert {each.weeks for each in result.power.needed} == {None}


def test_who_was_called_in_spite_of_the_draw_counts_as_drawn(tmp_path) -> None:
    with opened(tmp_path, 0.3) as (config, ledger, database, _):
        before = effect_report(config, ledger, database)
        ((lead, cutoff),) = ledger.fetched(
            "SELECT lead_id, min(cutoff) FROM scores WHERE holdout GROUP BY lead_id "
            "ORDER BY lead_id LIMIT 1"
        )
        override = Override(lead, "sales", "a friend", "eva", cutoff, cutoff, None)
        add_override(ledger, override)
        after = effect_report(config, ledger, database)
    assert after.effect == before.effect
    assert (before.decided_otherwise, after.decided_otherwise) == (0, 1)
    assert any("1 lead " in note for note in after.notes())
