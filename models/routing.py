"""Where each open lead goes: `sales` with a time to call by, `nurture`, or `disqualified`.

Every lead gets exactly one route, and the reason for it in words. Leads that cannot be scored are
nurtured until they can; disqualified ones are never listed. Of the rest, [routing] says who is fit
to be called; the best of them, as many as sales can call, are the list. Ties: the readier, then
more points, then the lead id, so that every run makes the same list.

Without a model the points alone rank. With an exploration share, some places of the list are drawn
by lot among all who are not on it: only so is it learnt what became of leads that nobody would have
called. The lot goes by lead id and cutoff, so that every run draws the same.

With a holdout share, some leads that would be called are held back, so that it can be measured what
a call changes (models/effects). The lot is drawn once for each lead, on the first list on which it
has a place; who has been on a list before is never held back. A lead that is held back stays so for
a horizon and is then as any other. Its place goes to the next one: the list is as long as ever.
Whether a lead has a place depends on the lots of those above it and never on its own, so leads held
back and leads called differ by chance alone.

Worked example, horizon 30 days: lead 7 has a place for the first time on 2026-03-02, and is drawn.
From then on it is in nurture, also on 2026-03-31; from 2026-04-01 on (30 days later) it is called
if it has a place. Lead 8, not drawn on 2026-03-02, is called and never drawn again. With a holdout
since 2026-03-09, lead 9, which was on the list of 2026-03-02, is in no draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.config import Capacity, Routing
from features.spec.wording import percent

ROUTES = ("sales", "nurture", "disqualified")
ROUTED = [
    *("lead_id", "route", "route_reason", "contact_by", "marked", "value", "exploration"),
    "holdout",
]
MODEL_HIGH, RULES_HIGH = "model high, points low", "points high, model low"
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
_MONDAY = datetime(2024, 1, 1)  # any Monday, from which weeks are counted

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]


class LastListed(NamedTuple):
    """The last lead of a list that was made before for the same run: its readiness and its value,
    if known, and its points. All None for a list of leads drawn by lot alone.

    Such a list stays as it is: a later lead joins it only if level with that last lead, or above.
    """

    readiness: float | None
    value: float | None
    points: float | None = None


@dataclass(frozen=True)
class Router:
    """How the leads of one cutoff are routed. `slots` is how many sales can call, 1 or more;
    `without_model` why there is no model and the points alone rank, "" where there is one;
    `horizon_days` how long a lead of the holdout is held back."""

    slots: int
    cutoff: datetime
    routing: Routing = field(default_factory=Routing)
    without_model: str = ""
    horizon_days: int = 30

    @classmethod
    def of(
        cls,
        capacity: Capacity,
        open_leads: int,
        cutoff: datetime,
        routing: Routing,
        without_model: str = "",
        horizon_days: int = 30,
    ) -> Router:
        """The router of a cutoff with so many open leads; the capacity rounded, at least 1."""
        slots = float(capacity.slots(np.array([float(open_leads)]))[0])
        return cls(max(1, round(slots)), cutoff, routing, without_model, horizon_days)

    @cached_property
    def by_lot(self) -> int:
        """How many places of the list are drawn by lot: the exploration share of them. What is left
        over after whole places is a place with that chance, the cutoff's lot: of 10 places 2% is
        one place at every fifth cutoff or so."""
        places = self.routing.exploration * self.slots
        return int(places) + (_lot(str(self.cutoff)) < places % 1)

    def route(self, leads: pd.DataFrame, last: LastListed | None = None) -> pd.DataFrame:
        """Route the new ones among all open leads: the columns ROUTED, one row where `is_new`.
        last: of the list that exists already for this run, if any.

        leads: one row per open lead, nulls where unknown, with lead_id (text), state, state_reason,
        readiness, rule_score, disqualified (why, or null), amount, basket and its
        contact_within_hours (null: that of [routing]), is_new; with a holdout also first_listed,
        the cutoff of the first earlier list on which the lead had a place, and held_back, whether
        it was drawn there (null where there was no draw); fit and engagement where [routing] asks
        for them.
        contact_by is null but for sales, marked where model and rules agree, value (amount times
        readiness) unless leads are listed by it, holdout but for the leads of a draw within their
        horizon that have a place: true where held back, false where called.
        """
        leads = self._in_order(leads)
        fit = self._fit(leads)
        held, again, in_draw = self._draw(leads)
        free = fit & ~held
        if last is None:
            places, taken = self.slots - self.by_lot, np.cumsum(free)
            ranked, held_back = free & (taken <= places), fit & held & (taken < places)
            by_lot = self._chosen_by_lot(leads, ranked | held_back | again)
        else:
            level = self._level(leads, last)
            ranked, held_back = free & level, fit & held & level
            by_lot = np.zeros(len(leads), np.bool_)
        listed = ranked | by_lot
        leads["exploration"] = by_lot
        no_draw = ~(held_back | (ranked & in_draw))
        leads["holdout"] = pd.arrays.BooleanArray(held_back, no_draw)
        left = np.where(leads["disqualified"].notna(), "disqualified", "nurture")
        leads["route"] = np.where(listed, "sales", left)
        leads["route_reason"] = self._reasons(leads, fit, listed, last is not None)
        leads["contact_by"] = self._contact_by(leads["contact_within_hours"], listed)
        readiness, points = (leads[name].to_numpy() for name in ("readiness", "rule_score"))
        leads["marked"] = disagreement(readiness, points, self.slots)
        return leads.loc[leads["is_new"].to_numpy(np.bool_), ROUTED].reset_index(drop=True)

    def _in_order(self, leads: pd.DataFrame) -> pd.DataFrame:
        """The leads in the order of the list, with their value where they are listed by it."""
        numbers = ["readiness", "rule_score", "amount", "contact_within_hours"]
        leads = leads.assign(**{name: leads[name].astype(np.float64) for name in numbers})
        by_value = self.routing.by == "value"
        leads["value"] = leads["readiness"] * leads["amount"] if by_value else np.nan
        order = ["value", "readiness", "rule_score", "lead_id"]
        return leads.sort_values(order, ascending=[False, False, False, True], ignore_index=True)

    def _fit(self, leads: pd.DataFrame) -> Bools:
        """The leads to call if sales could call any number."""
        how = self.routing
        fit = (leads["state"] == "scored") & leads["disqualified"].isna()
        if self.without_model:
            fit &= leads["rule_score"] >= (-np.inf if how.points_from is None else how.points_from)
            return fit.to_numpy(np.bool_)
        fit &= leads["readiness"].notna()
        if how.cost_per_contact is not None:
            fit &= leads["value"] > how.cost_per_contact
        if how.readiness_from is not None:
            fit &= leads["readiness"] >= how.readiness_from
        if how.points_from is not None:
            fit &= leads["rule_score"] >= how.points_from
        high_enough: Bools = self._below(leads) == ""
        return fit.to_numpy(np.bool_) & high_enough

    def _below(self, leads: pd.DataFrame) -> Texts:
        """On which axis each lead ranks below what [routing] asks for, in words; "" on none, and
        where there is no model."""
        texts = np.full(len(leads), "", object)
        ranks_from = {} if self.without_model else self.routing.ranks_from
        for axis, least in ranks_from.items():
            ranks = leads[axis].astype(object).fillna("unknown").to_numpy(object)
            texts += [f", {axis} {rank} below {least}" if rank > least else "" for rank in ranks]
        return texts

    def _draw(self, leads: pd.DataFrame) -> tuple[Bools, Bools, Bools]:
        """Which leads the lot holds back if they have a place; those of them that have been held
        back before, place or not; and which leads are in a draw, this one or one whose horizon is
        not over."""
        if not self.routing.holdout:
            none = np.zeros(len(leads), np.bool_)
            return none, none, none
        first, earlier = leads["first_listed"], leads["held_back"]
        now = first.isna().to_numpy(np.bool_)
        lasts = (first + timedelta(days=self.horizon_days) > self.cutoff).to_numpy(np.bool_)
        again = lasts & earlier.eq(True).fillna(False).to_numpy(np.bool_)
        at = str(self.cutoff)
        lots = [_lot(f"holdout {lead_id} {at}") for lead_id in leads["lead_id"].tolist()]
        unlucky = np.array(lots, np.float64) < self.routing.holdout
        in_draw = now | (lasts & earlier.notna().to_numpy(np.bool_))
        return (now & unlucky) | again, again, in_draw

    def _chosen_by_lot(self, leads: pd.DataFrame, not_these: Bools) -> Bools:
        """The leads drawn by lot among those that could be called and are not on the list."""
        could = (leads["state"] == "scored") & leads["disqualified"].isna()
        others = np.flatnonzero(could.to_numpy(np.bool_) & ~not_these)
        chosen = np.zeros(len(leads), np.bool_)
        if self.by_lot:
            ids = leads["lead_id"].to_numpy()[others]
            lots = np.array([_lot(f"{lead_id} {self.cutoff}") for lead_id in ids])
            chosen[others[np.argsort(lots, kind="stable")[: self.by_lot]]] = True
        return chosen

    def _level(self, leads: pd.DataFrame, last: LastListed) -> Bools:
        """The leads that are level with the last lead of the earlier list, or above."""
        if self.without_model and last.points is not None:
            return (leads["rule_score"] >= last.points).to_numpy(np.bool_)
        if last.readiness is None:
            return np.zeros(len(leads), np.bool_)
        if self.routing.by == "value" and last.value is not None:
            return (leads["value"] >= last.value).to_numpy(np.bool_)
        return (leads["readiness"] >= last.readiness).to_numpy(np.bool_)

    def _contact_by(self, hours: pd.Series[float], listed: Bools) -> pd.Series[pd.Timestamp]:
        within = hours.fillna(self.routing.contact_within_hours)
        how = self.routing.working_days_only, self.routing.calls_begin_at
        ends = {each: deadline(self.cutoff, each, *how) for each in within.unique()}
        return within.map(ends).astype("datetime64[us]").where(listed)

    def _how_soon(self, leads: pd.DataFrame) -> Iterator[str]:
        """Within how many hours each lead is to be called, and which basket says so, in words."""
        days = " of working days" if self.routing.working_days_only else ""
        usual = f", call within {self.routing.contact_within_hours:g} h{days}"
        hours, baskets = leads["contact_within_hours"].tolist(), leads["basket"].tolist()
        for within, basket in zip(hours, baskets, strict=True):
            own = f", call within {within:g} h{days}: basket {basket}"
            yield usual if np.isnan(within) else own

    def _reasons(self, leads: pd.DataFrame, fit: Bools, listed: Bools, late: bool) -> Texts:
        """Why each lead has its route, in words."""
        reasons = np.empty(len(leads), object)
        not_scored = (leads["state"] != "scored").to_numpy(np.bool_)
        disqualified = leads["disqualified"].notna().to_numpy(np.bool_) & ~not_scored
        states = leads.loc[not_scored, ["state", "state_reason"]].itertuples(index=False)
        reasons[not_scored] = [f"{state}: {reason}" for state, reason in states]
        reasons[disqualified] = [
            f"disqualified: {why}" for why in leads.loc[disqualified, "disqualified"]
        ]
        others = ~not_scored & ~disqualified
        names = ("readiness", "rule_score", "value", "amount", "exploration")
        numbers = (leads.loc[others, name].tolist() for name in names)
        below = self._below(leads)
        places = (each[others].tolist() for each in (below, fit, listed, np.cumsum(fit)))
        reasons[others] = [
            f"exploration: one of {self.by_lot:,} drawn by lot, {self._why(*lead)}"
            if by_lot
            else self._why(*lead) + (self._place(place, is_listed, late) if is_fit else low)
            for *lead, by_lot, low, is_fit, is_listed, place in zip(*numbers, *places, strict=True)
        ]
        held_back = leads["holdout"].fillna(False).to_numpy(np.bool_)
        if held_back.any():
            since = leads.loc[held_back, "first_listed"].fillna(self.cutoff)
            until = (since + timedelta(days=self.horizon_days)).dt.strftime("%Y-%m-%d")
            reasons[held_back] = [
                f"holdout: drawn by lot ({percent(self.routing.holdout)} of the list), not to be "
                f"called before {day}, {self._why(*lead)}"
                for day, *lead in zip(
                    until,
                    *(leads.loc[held_back, name].tolist() for name in names[:-1]),
                    strict=True,
                )
            ]
        how_soon = zip(reasons[listed], self._how_soon(leads[listed]), strict=True)
        reasons[listed] = ["".join(each) for each in how_soon]
        return reasons

    def _why(self, readiness: float, points: float, value: float, amount: float) -> str:
        if self.without_model:
            return f"rules only: {self.without_model}, {_points(points)}"
        return _threshold(self.routing, readiness, points, value, amount)

    def _place(self, place: int, listed: bool, late: bool) -> str:
        """Where a lead that is fit to be called lies to the end of the list."""
        if late:
            where = "level with its last lead or above" if listed else "below its last lead"
            return f", came after the list was made, {where}"
        if listed:
            return f", among the {self.slots:,} that sales can call"
        lot = f", {self.by_lot:,} of them drawn by lot" if self.by_lot else ""
        return f", place {place:,} where sales can call {self.slots:,}{lot}"


def _threshold(how: Routing, readiness: float, points: float, value: float, amount: float) -> str:
    """Where a scored lead stands to the threshold of [routing], in words."""
    ready = f"readiness {percent(readiness)}"
    if how.cost_per_contact is not None:
        if np.isnan(value):
            return f"{ready}, but no amount is known"
        side = "above" if value > how.cost_per_contact else "not above"
        cost = f"the cost of a contact {how.cost_per_contact:,.10g}"
        return f"value {value:,.0f} ({percent(readiness)} of {amount:,.0f}) {side} {cost}"
    parts = []
    if how.readiness_from is not None:
        side = "not below" if readiness >= how.readiness_from else "below"
        parts.append(f"{ready} {side} {percent(how.readiness_from)}")
    if how.points_from is not None:
        side = "not below" if points >= how.points_from else "below"
        parts.append(f"{_points(points)} {side} {how.points_from:g}")
    return " and ".join(parts) or ready


def _lot(of: str) -> float:
    """A number in [0, 1) that looks random and is always the same for the same text."""
    return int.from_bytes(hashlib.sha256(of.encode()).digest()[:6]) / 2**48


def deadline(
    cutoff: datetime, hours: float, working_days_only: bool, begin_at: float = 0
) -> datetime:
    """So many hours after the cutoff, or after the hour of its day at which sales begin to call
    (UTC), if that is later; if only working days count, Saturdays and Sundays pass without an hour.

    A list of Friday 2026-03-06 12:00 with 24 hours is due on Monday noon; one of Saturday midnight
    by the end of Monday. One of Tuesday 2026-03-10 00:00 with 4 hours is due at noon where calls
    begin at 8: made in the night, it would else be late before anybody has read it.

    >>> deadline(datetime(2026, 3, 6, 12), 24, working_days_only=True)
    datetime.datetime(2026, 3, 9, 12, 0)
    >>> deadline(datetime(2026, 3, 7), 24, working_days_only=True)
    datetime.datetime(2026, 3, 10, 0, 0)
    >>> deadline(datetime(2026, 3, 7), 24, working_days_only=False)
    datetime.datetime(2026, 3, 8, 0, 0)
    >>> deadline(datetime(2026, 3, 10), 4, working_days_only=True, begin_at=8)
    datetime.datetime(2026, 3, 10, 12, 0)
    """
    given, week, day = timedelta(hours=hours), timedelta(days=7), timedelta(days=5)
    weeks, within = divmod(cutoff - _MONDAY, week)
    if working_days_only and within >= day:
        weeks, within = weeks + 1, timedelta(0)
    morning = within // timedelta(days=1) * timedelta(days=1) + timedelta(hours=begin_at)
    worked = max(within, morning) + given
    ends = -(-worked // day) - 1 if working_days_only else 0  # the end of Friday is Friday's
    return _MONDAY + (weeks + ends) * week + (worked - ends * day)


def disagreement(readiness: Floats, points: Floats, slots: int) -> list[str | None]:
    """Where model and rules disagree: on the list of the one, in the lower half of the other.

    readiness, points: shape (n,), NaN where not scored. Each list holds the `slots` best, at most
    the upper half. A tie is no disagreement: whoever shares a number with a lead off the list is
    not on it, and whoever shares one with the middle is not in the lower half. MODEL_HIGH,
    RULES_HIGH or None for each.

    >>> disagreement(np.array([0.9, 0.5, 0.4, 0.1]), np.array([0.0, 9.0, 5.0, 20.0]), slots=1)
    ['model high, points low', None, None, 'points high, model low']
    """
    known = ~np.isnan(readiness) & ~np.isnan(points)
    count = int(known.sum())
    size = min(slots, count // 2)
    marks: list[str | None] = [None] * len(readiness)
    listed, low = zip(*(_ends(each[known], size) for each in (readiness, points)), strict=True)
    for places, mark in ((listed[0] & low[1], MODEL_HIGH), (listed[1] & low[0], RULES_HIGH)):
        for at in np.flatnonzero(known)[places]:
            marks[at] = mark
    return marks


def _points(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"


def _ends(score: Floats, size: int) -> tuple[Bools, Bools]:
    """Which are among the `size` best, and which in the lower half, all their equals with them."""
    ascending = np.sort(score)
    at_least, above = (len(score) - np.searchsorted(ascending, score, side) for side in _SIDES)
    return at_least <= size, above + 1 > (len(score) + 1) / 2
