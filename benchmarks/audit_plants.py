"""Leaks to plant in the simulator's frames, each as seen in real lead databases.

Each function changes the frames in place; PLANTS names the code that the audit has to find.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.simulator.simulate import World

Rng = np.random.Generator
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
HONEST = ("source", "industry", "company_size", "country")


@dataclass
class Frames:
    """A lead database as pandas frames, and the attributes that its readiness.toml would list."""

    events: pd.DataFrame
    leads: pd.DataFrame
    deals: pd.DataFrame
    attributes: tuple[str, ...] = HONEST

    @classmethod
    def of(cls, world: World) -> "Frames":
        """The simulator's own, categories as plain text, and nothing planted."""
        tables = [world.events, world.leads, world.deals]
        texts = [dict.fromkeys(t.select_dtypes("category"), "object") for t in tables]
        return cls(*(table.astype(text) for table, text in zip(tables, texts, strict=True)))

    def add_events(
        self, closed: pd.DataFrame, days: "np.typing.NDArray[np.float64]", action: str
    ) -> None:
        """Add one event per row of deals, so many days after its closing."""
        occurred = (closed["closed_at"] + pd.to_timedelta(days, unit="D")).dt.as_unit("us")
        added = pd.DataFrame(
            {
                "lead_id": closed["lead_id"].to_numpy(),
                "occurred_at": occurred.to_numpy(),
                "action": action,
                "recorded_at": occurred.to_numpy(),
            }
        )
        born = self.leads.set_index("lead_id")["created_at"].loc[added["lead_id"]].to_numpy()
        end = self.events["recorded_at"].max()
        added = added[(added["occurred_at"] > born) & (added["occurred_at"] < end)]
        self.events = pd.concat([self.events, added], ignore_index=True)

    def add_attribute(self, name: str, column: object) -> None:
        """Add a column of leads, listed in readiness.toml."""
        self.leads = self.leads.assign(**{name: column})
        self.attributes = (*HONEST, name)

    def outcome(self) -> pd.Series:
        """won, lost or NaN (open) of each lead, in the order of leads."""
        return self.leads["lead_id"].map(self.deals.set_index("lead_id")["outcome"])

    def closed_at(self) -> pd.Series:
        """When each lead was closed, or NaT (open), in the order of leads."""
        return self.leads["lead_id"].map(self.deals.set_index("lead_id")["closed_at"])

    def drop_early(self) -> None:
        """Leave out the events that now lie before their lead's creation."""
        born = self.leads.set_index("lead_id")["created_at"].loc[self.events["lead_id"]]
        self.events = self.events[self.events["occurred_at"].to_numpy() > born.to_numpy()]


def _date(times: pd.Series) -> pd.Series:
    """The days of times, as midnights."""
    return times.dt.normalize().dt.as_unit("us")


def _some(rng: Rng, deals: pd.DataFrame, outcome: str | None, share: float) -> pd.DataFrame:
    of = deals if outcome is None else deals[deals["outcome"] == outcome]
    return of[rng.random(len(of)) < share]


def contract_signed(frames: Frames, rng: Rng) -> None:
    """Signed in the last ten days before the win, by winners only."""
    won = _some(rng, frames.deals, "won", 0.8)
    frames.add_events(won, rng.uniform(-10, 0, len(won)), "contract_signed")


def marked_unsuitable(frames: Frames, rng: Rng) -> None:
    """Some of the lost are marked so weeks before the deal is closed as lost."""
    lost = _some(rng, frames.deals, "lost", 0.5)
    frames.add_events(lost, rng.uniform(-20, 0, len(lost)), "marked_unsuitable")


def closing_call(frames: Frames, rng: Rng) -> None:
    """A call hours before every second closing, won or lost."""
    closed = _some(rng, frames.deals, None, 0.5)
    frames.add_events(closed, rng.uniform(-0.8, 0, len(closed)), "closing_call")


def file_archived(frames: Frames, rng: Rng) -> None:
    """Written minutes after the closing, won or lost."""
    closed = _some(rng, frames.deals, None, 0.6)
    frames.add_events(closed, rng.uniform(0, 0.01, len(closed)), "file_archived")


def customer_portal(frames: Frames, rng: Rng) -> None:
    """Winners' last visits come by a portal that only customers have."""
    won = _some(rng, frames.deals, "won", 0.8)
    before = len(frames.events)
    frames.add_events(won, rng.uniform(-15, 0, len(won)), "visited_homepage")
    frames.events.loc[frames.events.index >= before, "source"] = "portal"


def status(frames: Frames, rng: Rng) -> None:
    """A status as of today: winners are customers."""
    stage = np.where(rng.random(len(frames.leads)) < 0.5, "prospect", "contact")
    frames.add_attribute("status", np.where(frames.outcome() == "won", "customer", stage))


def customer_since(frames: Frames, rng: Rng) -> None:
    """A year that is filled in for customers only."""
    known = (frames.outcome() == "won") & (rng.random(len(frames.leads)) < 0.9)
    frames.add_attribute("customer_since", np.where(known, 2024.0, np.nan))


def loss_reason(frames: Frames, rng: Rng) -> None:
    """Why it was lost, for most of the lost."""
    known = (frames.outcome() == "lost") & (rng.random(len(frames.leads)) < 0.8)
    words = rng.choice(np.array(["price", "timing", "no need"], object), len(known))
    frames.add_attribute("loss_reason", np.where(known, words, None))


def closing_survey(frames: Frames, rng: Rng) -> None:
    """A column filled when a deal closes, won or lost alike."""
    closed = frames.outcome().notna() & (rng.random(len(frames.leads)) < 0.85)
    words = rng.choice(np.array(["good", "fair"], object), len(closed))
    frames.add_attribute("survey", np.where(closed, words, None))


def account_opened(frames: Frames, rng: Rng) -> None:
    """All have an account; that of winners is opened anew on the day of the win."""
    opened = frames.leads["created_at"] - pd.to_timedelta(
        rng.exponential(400, len(frames.leads)), "D"
    )
    won = frames.outcome() == "won"
    frames.add_attribute("account_opened", _date(frames.closed_at().where(won, opened)))


def account_manager(frames: Frames, rng: Rng) -> None:
    """Winners get one of many managers, each of a few customers; others are of a team of sales."""
    won, count = frames.outcome() == "won", len(frames.leads)
    managers = [f"manager {n}" for n in rng.integers(0, 1 + won.sum() // 6, count)]
    teams = [f"team {n}" for n in rng.integers(0, 1 + count // 30, count)]
    frames.add_attribute("manager", np.where(won & (rng.random(count) < 0.8), managers, teams))


def quote_value(frames: Frames, rng: Rng) -> None:
    """The value of a quote is filled in from the invoice."""
    won = frames.deals[frames.deals["outcome"] == "won"].set_index("lead_id")["amount"]
    quote = frames.events["action"] == "opened_quote"
    invoiced = frames.events["lead_id"].map(won).fillna(0.0)
    frames.events["value"] = frames.events["value"].mask(quote, invoiced)


def mail_synced(frames: Frames, rng: Rng) -> None:
    """When a deal closes, won or lost, its mails of the last three months are added."""
    closed = _some(rng, frames.deals, None, 0.8)
    for _ in range(3):
        frames.add_events(closed, rng.uniform(-90, 0, len(closed)), "mail_synced")


def last_activity(frames: Frames, rng: Rng) -> None:
    """The day of the last event of each lead, as of today."""
    last = frames.events.groupby("lead_id")["occurred_at"].max()
    known = frames.leads["lead_id"].map(last).fillna(frames.leads["created_at"])
    frames.add_attribute("last_activity", _date(known))


def expected_close(frames: Frames, rng: Rng) -> None:
    """The day of the closing, won or lost; while open, a day in the next three months."""
    ahead = pd.to_timedelta(rng.uniform(1, 90, len(frames.leads)), "D")
    end = frames.events["recorded_at"].max()
    planned = pd.Series(end + ahead, frames.leads.index).dt.as_unit("us")
    frames.add_attribute("expected_close", _date(frames.closed_at().fillna(planned)))


def days_in_pipeline(frames: Frames, rng: Rng) -> None:
    """Whole days from the creation to the closing, or to today."""
    until = frames.closed_at().fillna(frames.events["recorded_at"].max())
    days = (until - frames.leads["created_at"]) / DAY
    frames.add_attribute("days_in_pipeline", days.round().to_numpy())


def months_of_visits(frames: Frames, rng: Rng) -> None:
    """Of visits to the prices only the month is known, stamped with its first day."""
    mine = frames.events["action"] == "visited_pricing"
    month = frames.events.loc[mine, "occurred_at"].dt.to_period("M").dt.start_time
    frames.events.loc[mine, "occurred_at"] = month.dt.as_unit("us")
    frames.events.loc[mine, "recorded_at"] = pd.NaT


def closed_by_month(frames: Frames, rng: Rng) -> None:
    """Wins are dated with the last day of their month, when they are invoiced."""
    won = frames.deals["outcome"] == "won"
    ends = frames.deals["closed_at"].dt.to_period("M").dt.end_time.dt.floor("h").dt.as_unit("us")
    frames.deals["closed_at"] = frames.deals["closed_at"].mask(won, ends)


def customers_pages(frames: Frames, rng: Rng) -> None:
    """Deals are entered a week late: by then winners have seen the pages for customers."""
    won = _some(rng, frames.deals, "won", 0.8)
    before = len(frames.events)
    frames.add_events(won, rng.uniform(-7, 0, len(won)), "visited_homepage")
    frames.events.loc[frames.events.index >= before, "content"] = "/onboarding"


def backfilled_visits(frames: Frames, rng: Rng) -> None:
    """Three of ten visits to the prices were filled in one to two months later."""
    mine = (frames.events["action"] == "visited_pricing") & (rng.random(len(frames.events)) < 0.3)
    late = pd.to_timedelta(rng.uniform(30, 60, len(frames.events)), unit="D")
    recorded = frames.events["recorded_at"].where(~mine, frames.events["occurred_at"] + late)
    frames.events["recorded_at"] = recorded.dt.as_unit("us")
    frames.events = frames.events[recorded < frames.deals["closed_at"].max()]


def migration(frames: Frames, rng: Rng) -> None:
    """A part of the history came over from another system at one instant."""
    moved = pd.Timestamp("2025-01-15 02:30:00.123456")
    old = frames.events["occurred_at"] < moved - 14 * DAY
    mine = old & (rng.random(len(frames.events)) < 0.05)
    frames.events["recorded_at"] = frames.events["recorded_at"].mask(mine, moved)


def calls_before_birth(frames: Frames, rng: Rng) -> None:
    """Calls are dated before the lead was entered."""
    mine = (frames.events["action"] == "called_in") & (rng.random(len(frames.events)) < 0.4)
    born = frames.leads.set_index("lead_id")["created_at"].loc[frames.events["lead_id"]].to_numpy()
    early = pd.Series(born - 3 * DAY, index=frames.events.index)
    for column in ("occurred_at", "recorded_at"):
        frames.events[column] = frames.events[column].mask(mine, early)


def status_job(frames: Frames, rng: Rng) -> None:
    """A nightly job stamps many leads at one instant, without recorded_at."""
    for week in range(20, 60, 4):
        instant = pd.Timestamp("2024-01-01 03:00:07.5") + week * 7 * DAY
        open_ = frames.leads.loc[frames.leads["created_at"] < instant, "lead_id"]
        hit = rng.choice(open_, min(60, len(open_)), replace=False)
        added = {"lead_id": hit, "occurred_at": instant, "action": "status_synced"}
        frames.events = pd.concat([frames.events, pd.DataFrame(added)], ignore_index=True)


def local_dates(frames: Frames, rng: Rng) -> None:
    """Of calls only the day is known, in Berlin: stamped with its midnight."""
    mine = frames.events["action"] == "called_in"
    utc = frames.events.loc[mine, "occurred_at"].dt.tz_localize("UTC")
    midnight = utc.dt.tz_convert("Europe/Berlin").dt.tz_localize(None).dt.normalize()
    stamped = midnight.dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC").dt.tz_localize(None)
    frames.events.loc[mine, "occurred_at"] = stamped.dt.as_unit("us")
    frames.events.loc[mine, "recorded_at"] = pd.NaT


def email_address(frames: Frames, rng: Rng) -> None:
    """An address for each lead; some share that of their firm."""
    number = rng.integers(0, 20 * len(frames.leads), len(frames.leads))
    frames.add_attribute("email", [f"person{n}@example.com" for n in number])


def customer_number(frames: Frames, rng: Rng) -> None:
    """A running number."""
    frames.add_attribute("number", 10_000 + 3 * np.arange(len(frames.leads)))


def grade(frames: Frames, rng: Rng) -> None:
    """A grade that sales correct as the deal proceeds: a number that hardly overlaps."""
    won = (frames.outcome() == "won").to_numpy()
    frames.add_attribute("grade", rng.normal(np.where(won, 3.0, 0.0), 1.0).round(2))


def order_prepared(frames: Frames, rng: Rng) -> None:
    """Begun a month before almost every win (of younger leads within a day of their creation), and
    by some others, so that it neither decides nor lies near the close."""
    won = _some(rng, frames.deals, "won", 0.98)
    born = won["lead_id"].map(frames.leads.set_index("lead_id")["created_at"])
    age = ((won["closed_at"] - born) / DAY).to_numpy()
    begun = np.minimum(rng.uniform(29, 33, len(won)), age - rng.random(len(won)))
    frames.add_events(won, -begun, "order_prepared")
    lost = _some(rng, frames.deals, "lost", 0.06)
    frames.add_events(lost, rng.uniform(-40, -5, len(lost)), "order_prepared")


def entered_for_the_invoice(frames: Frames, rng: Rng) -> None:
    """Three of ten winners are entered minutes before the win."""
    won = _some(rng, frames.deals, "won", 0.3).set_index("lead_id")["closed_at"]
    born = frames.leads["lead_id"].map(won) - HOUR / 6
    frames.leads["created_at"] = born.fillna(frames.leads["created_at"]).dt.as_unit("us")
    frames.drop_early()


def made_from_deals(frames: Frames, rng: Rng) -> None:
    """Winners are created when their deal is opened, losers when they came."""
    won = frames.deals[frames.deals["outcome"] == "won"].set_index("lead_id")["opened_at"]
    born = frames.leads["lead_id"].map(won)
    frames.leads["created_at"] = born.fillna(frames.leads["created_at"]).dt.as_unit("us")
    frames.drop_early()


def history_of_winners(frames: Frames, rng: Rng) -> None:
    """The events of most losers were deleted."""
    lost = _some(rng, frames.deals, "lost", 0.85)["lead_id"]
    frames.events = frames.events[~frames.events["lead_id"].isin(lost)]


def history_of_the_closed(frames: Frames, rng: Rng) -> None:
    """The extract took the events of closed deals, and of a few open ones."""
    closed = frames.leads["lead_id"].isin(frames.deals["lead_id"])
    with_events = frames.leads.loc[closed | (rng.random(len(closed)) < 0.1), "lead_id"]
    frames.events = frames.events[frames.events["lead_id"].isin(with_events)]


PLANTS: dict[str, Callable[[Frames, Rng], None]] = {
    "decides:won(contract_signed)": contract_signed,
    "decides:lost(marked_unsuitable)": marked_unsuitable,
    "near_close(closing_call)": closing_call,
    "near_close(file_archived)": file_archived,
    "decides:won(event source=portal)": customer_portal,
    "decides:won(status=customer)": status,
    "decides:won(customer_since filled)": customer_since,
    "decides:lost(loss_reason filled)": loss_reason,
    "decides:won(account_opened on the closing day)": account_opened,
    "decides:won(manager=rare values of the won)": account_manager,
    "decides:won(opened_quote with a value)": quote_value,
    "decides:won(visited_homepage with content=/onboarding)": customers_pages,
    "filled_after_close(survey)": closing_survey,
    "closed_only(mail_synced)": mail_synced,
    "dated_later(last_activity)": last_activity,
    "dated_later(expected_close)": expected_close,
    "dated_later(days_in_pipeline)": days_in_pipeline,
    "coarse_dates(visited_pricing)": months_of_visits,
    "coarse_dates(deals.closed_at)": closed_by_month,
    "backfilled(visited_pricing)": backfilled_visits,
    "bulk_recorded(2025-01-15)": migration,
    "before_creation(called_in)": calls_before_birth,
    "burst(status_synced)": status_job,
    "date_only(called_in)": local_dates,
    "identifier(email)": email_address,
    "identifier(number)": customer_number,
    "separates(grade)": grade,
    "separates(order_prepared)": order_prepared,
    "born_at_close(won)": entered_for_the_invoice,
    "created_after_deal(opened_at)": made_from_deals,
    "events_only(won)": history_of_winners,
    "events_only(closed)": history_of_the_closed,
}
