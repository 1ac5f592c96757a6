"""readiness.toml, read strictly: unknown keys are refused and the nearest known key is named.

Every path in the file is relative to the file itself. `readiness init` writes a commented starter.
"""

from __future__ import annotations

import difflib
import os.path
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from features import questions
from features.cutoffs import grid, mature
from features.environment import url_from_environment
from features.errors import BadInput
from features.masking import remember_environment, remember_secrets
from features.questions import MAIN
from features.toml import Strict, faults_text, load_toml, read_text, validate_toml

FILE_NAME = "readiness.toml"
LONGEST_NAME = 250  # letters of a name in MLflow's registry
REMOVED_KEYS = {  # and why, for the message where a file still has one
    "engine.incremental": "measuring every lead is as cheap (ADR 20); delete out/nightly/ too",
    "training.partly_mature": "late cutoffs are no longer used for calibration: they gave no gain "
    "on real data (ADR 16)",
}


def _utc_naive(value: Any) -> Any:
    """A TOML date, or time with an offset, as naive UTC."""
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        except OverflowError:
            raise ValueError(f"{value} is in UTC on no day of the calendar") from None
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else value


Time = Annotated[datetime, BeforeValidator(_utc_naive)]
EARLIEST_CUTOFF, LATEST_CUTOFF = datetime(1900, 1, 1), datetime(2200, 1, 1)


def _plausible(time: datetime) -> datetime:
    """A slip of the pen, such as 0024-01-08, would make 100,000 cutoffs."""
    if not EARLIEST_CUTOFF <= time < LATEST_CUTOFF:
        raise ValueError(f"{time.date()} does not lie in the years from 1900 to 2199")
    return time


SettingsFile = Literal["rules", "sources", "funnel", "segments", "titles", "roles"]
Days = Annotated[int, Field(ge=1, le=3650)]
Encoding = Literal[
    "utf-8",
    "utf-16",
    "cp1252",
    "latin-1",
    "cp1250",
    "cp1251",
    "iso-8859-15",
    "shift_jis",
    "gb18030",
]


class Tables(Strict):
    """Where the tables are: a file (.parquet, .xlsx, or .csv, .tsv, .txt, also .gz), a folder/ of
    Parquet or of a Delta or Iceberg table, a query (.sql, or SELECT ...), or the name of a table in
    `database`: a DuckDB or SQLite file, or the URL of a PostgreSQL or MySQL, whose password is
    written as the environment variable that holds it, ${NAME} (docs/databases.md). `encoding` is
    that of text files which are not marked as Unicode (docs/tables.md)."""

    folder: str = "."
    encoding: Encoding = "utf-8"
    database: str | None = None
    events: str | None = None
    leads: str
    deals: str
    contacts: str | None = None
    stages: str | None = None
    merges: str | None = None


class Times(Strict):
    """The horizon, the cutoff grid and its part for the final test."""

    horizon_days: Days = 30
    first_cutoff: Annotated[Time, AfterValidator(_plausible)]
    cutoff_every_days: Days = 7
    test_cutoffs: Annotated[int, Field(ge=1)] = 5
    data_end: Annotated[Time, AfterValidator(_plausible)] | None = None

    def cutoffs(self, data_end: datetime) -> list[datetime]:
        """The cutoff grid: first_cutoff, and every cutoff_every_days after it up to `data_end`.

        >>> times = Times(first_cutoff=datetime(2012, 1, 2))
        >>> [f"{cutoff:%m-%d}" for cutoff in times.cutoffs(datetime(2012, 1, 23))]
        ['01-02', '01-09', '01-16', '01-23']
        """
        return grid(self.first_cutoff, self.cutoff_every_days, data_end)

    def mature_cutoffs(self, data_end: datetime, horizon_days: int | None = None) -> list[datetime]:
        """Those of the grid whose whole horizon [cutoff, cutoff + h) lies before `data_end`, so
        that every label is complete. `horizon_days` is a model's own, where it differs.

        Worked example: of the cutoffs from 2012-01-02 to 2012-02-13, with 30 days and data up to
        2012-02-15 00:00, the horizon of 2012-01-16 ends with the data; that of 01-23 does not.

        >>> times = Times(first_cutoff=datetime(2012, 1, 2), horizon_days=30)
        >>> [f"{cutoff:%m-%d}" for cutoff in times.mature_cutoffs(datetime(2012, 2, 15))]
        ['01-02', '01-09', '01-16']
        """
        return mature(self.cutoffs(data_end), horizon_days or self.horizon_days, data_end)


OptionalName = Annotated[str | None, BeforeValidator(lambda given: given or None)]


class Features(Strict):
    """What the features are made from; `features/catalog.py` turns this into the list. `leave_out`
    are names of features that the model does not get; * stands for any text. `measured_actions`:
    actions whose value is a measure (a price, a rank, 0 or 1), averaged over every window.
    `account` is the column of leads that names the account of each, "account_id", or whose e-mail
    address has its domain, "domain(email)": features of its people follow (docs/accounts.md).
    `title` is the column with the titles of people, from which their seniority and department are
    read (docs/titles.md). "" stands for none."""

    windows_days: Annotated[list[Days], Field(min_length=1)] = [1, 7, 30, 90]
    half_life_days: Days = 14
    attributes: list[str] = []
    measured_actions: list[str] = []
    account: OptionalName = None
    title: OptionalName = None
    leave_out_actions: list[str] = []
    leave_out: list[str] = []
    segments: list[str] = []


AfterClosing = Literal["closed", "open_again"]


class Outcomes(Strict):
    """Whether a lead whose deal was closed is open again when it comes back: from its next event,
    or its next deal's opening, after that closing (features/contract/open_periods.py)."""

    after_lost: AfterClosing = "closed"
    after_won: AfterClosing = "closed"

    @property
    def open_again(self) -> bool:
        """Whether a lead may have closed deals behind it and be open."""
        return "open_again" in (self.after_lost, self.after_won)


class Cohort(Strict):
    """Which of the open leads are trained on, judged and scored: those that meet the conditions
    `where` (features/conditions; a list means all of them), and are in one of the `segments`, if
    any are named, and in none of `not_segments`."""

    where: dict[str, Any] | list[dict[str, Any]] = {}
    segments: list[str] = []
    not_segments: list[str] = []


class Exclude(Strict):
    """Leads that are never trained on, judged or scored, and events that no person caused.

    leads: columns of tables.leads, each with the texts that exclude a lead: * stands for any text,
    and the case does not matter: {email = ["*@our-company.com", "test*"]}. machine_clicks leaves
    out bursts of events, as link scanners cause them; machine_opens the events of `opens` within
    `opens_within_seconds` after one of `sends` (features/contract/machine_events.py).
    """

    leads: dict[str, list[str]] = {}
    machine_clicks: bool = False
    burst_events: Annotated[int, Field(ge=2, le=1000)] = 5
    burst_seconds: Annotated[int, Field(ge=1, le=3600)] = 3
    machine_opens: bool = False
    opens: list[str] = ["email_opened"]
    sends: list[str] = ["email_sent"]
    opens_within_seconds: Annotated[int, Field(ge=1, le=3600)] = 5


class Audit(Strict):
    """Findings of the leakage audit that somebody checked and that are honest: their codes, or
    what they are about (`column:status`, `action:mail`); * stands for any text."""

    accepted: list[str] = []


class Capacity(Strict):
    """How many leads sales can call per cutoff: a share of the open leads, or a number.

    >>> Capacity(share=0.1).slots(np.array([884.0, 25.0]))
    array([88.4,  2.5])
    >>> Capacity(leads=50).slots(np.array([884.0, 25.0]))
    array([50., 25.])
    """

    share: Annotated[float, Field(gt=0, le=1)] | None = None
    leads: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Capacity:
        if (self.share is None) == (self.leads is None):
            raise ValueError("name either `share` or `leads`, one of them")
        return self

    def slots(self, open_leads: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Length of each cutoff's list, of so many open leads; with a share not always whole."""
        if self.leads is None:
            return (self.share or 0) * open_leads
        return np.minimum(self.leads, open_leads)


class Routing(Strict):
    """Which leads go to sales, and how soon they are called; never more than the capacity.

    by: "capacity" takes the readiest; "value" those whose amount times readiness is above
    `cost_per_contact`, the highest first; "hand" those of `readiness_from` and `points_from` or
    more (both, where both are named), the readiest first. `amount` is what a deal brings: a number,
    or a numeric column of leads; by default, and where it is empty, the median of the deals won.
    `fit_from` and `engagement_from` leave out who ranks lower (docs/fit-and-engagement.md).
    `exploration` is the share of the places given at random to leads that would not be called;
    `holdout` the share of the leads that would be called, drawn at random, that are not called for
    the horizon, so that it can be measured what a call changes (docs/effect.md).
    """

    by: Literal["capacity", "value", "hand"] = "capacity"
    cost_per_contact: Annotated[float, Field(gt=0)] | None = None
    amount: Annotated[float, Field(gt=0)] | Annotated[str, Field(min_length=1)] | None = None
    readiness_from: Annotated[float, Field(ge=0, le=1)] | None = None
    points_from: float | None = None
    fit_from: Literal["A", "B", "C"] | None = None
    engagement_from: Annotated[int, Field(ge=1, le=3)] | None = None
    contact_within_hours: Annotated[float, Field(gt=0, le=8760)] = 24
    working_days_only: bool = True
    calls_begin_at: Annotated[float, Field(ge=0, lt=24)] = 0
    exploration: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0

    @property
    def ranks_from(self) -> dict[str, str]:
        """The lowest rank to be called, by axis, as the ledger writes it; {} for any."""
        named = {"fit": self.fit_from, "engagement": self.engagement_from}
        return {axis: str(rank) for axis, rank in named.items() if rank is not None}

    @model_validator(mode="after")
    def _complete(self) -> Routing:
        by_hand = (self.readiness_from, self.points_from)
        if self.by == "value" and self.cost_per_contact is None:
            raise ValueError('by = "value" takes cost_per_contact, what one contact costs')
        if self.by == "hand" and by_hand == (None, None):
            raise ValueError('by = "hand" takes readiness_from, points_from, or both')
        if self.by != "value" and (self.cost_per_contact, self.amount) != (None, None):
            raise ValueError('cost_per_contact and amount are for by = "value"')
        if self.by != "hand" and by_hand != (None, None):
            raise ValueError('readiness_from and points_from are for by = "hand"')
        return self


class TrainingSettings(Strict):
    """The bounded search: how many candidates, on how many rolling-origin folds; the fewest won
    leads to train on (docs/enough-data.md); which learner is registered: trees, a logistic
    regression, the average of both, or the simplest of them that is as good on the folds
    (docs/baselines.md); whether the days are artificial, so
    that the test is a random share of the leads, for exploration only (docs/own-data.md); whether
    scoring follows a win rate that has changed since training (models/prior_shift.py).

    `by` is a text feature, an attribute or first_source, each of whose values may get a model of
    its own, if at least `by_least_wins` won leads of the training have it and it is the better on
    the folds (docs/by-segment.md). "" stands for none."""

    candidates: Annotated[int, Field(ge=1, le=200)] = 6
    folds: Annotated[int, Field(ge=1, le=20)] = 3
    jobs: Annotated[int, Field(ge=1, le=256)] = 2
    least_wins: Annotated[int, Field(ge=10)] = 60
    learner: Literal["trees", "logistic", "average", "simplest"] = "trees"
    split: Literal["time", "random"] = "time"
    prior_shift: bool = False
    by: OptionalName = None
    by_least_wins: Annotated[int, Field(ge=150)] = 150


class PromotionSettings(Strict):
    """When a challenger may become champion (docs/promotion.md). `metric`: one that points have
    too, higher is better. A champion is stale where the challenger was trained on cutoffs at least
    `stale_after_days` later. `realised`: decide by what both said in past nights (docs/shadow.md)
    in place of the backtest."""

    metric: Literal["average_precision", "roc_auc", "precision", "gain"] = "average_precision"
    stale_after_days: Days = 90
    realised: bool = False


def _name(name: str) -> str:
    """A name as MLflow takes it for an experiment."""
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError(f"{name!r} must be one line of 1 to {LONGEST_NAME} letters, not all blank")
    return name


def _model_name(name: str) -> str:
    """A name as MLflow takes it for a registered model, which stands in addresses of its own."""
    if set(name) & set("/:") or name in (".", ".."):
        raise ValueError(f"{name!r} cannot name a model in MLflow: leave out / and :")
    return _name(name)


class FairnessSettings(Strict):
    """By which groups of leads `compare` and the model card look at the list (docs/fairness.md):
    columns of tables.leads, which need not be features and are read for this alone. Values that
    fewer than `least_leads` leads have are put together."""

    groups: list[str] = []
    least_leads: Annotated[int, Field(ge=1)] = 30


class Mlflow(Strict):
    """Where experiments are tracked and models registered (docs/mlflow.md). ${NAME} in `uri` is
    replaced from the environment. `artifacts`: a folder, or a URI such as s3://bucket/path, for the
    artefacts of an experiment that is made anew; by default `out`, or what a tracking server
    decides."""

    uri: Annotated[str, Field(min_length=1)] = "sqlite:///out/mlflow.db"
    experiment: Annotated[str, AfterValidator(_name)] = "sales-readiness"
    model: Annotated[str, AfterValidator(_model_name)] = "sales-readiness"
    artifacts: Annotated[str, Field(min_length=1)] | None = None


class LedgerSettings(Strict):
    """Where scores and decisions rest: in files of `out`, or in the PostgreSQL that `url` names as
    tables.database does, in its schema `readiness` unless it has ?schema=. Runs whose cutoff is
    more than `keep_days` before the newest are deleted by the next run (docs/ledger.md)."""

    url: Annotated[str, Field(min_length=1)] | None = None
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class ShadowSettings(Strict):
    """Challengers that `readiness score` scores beside the champion, never routed and in no list
    (docs/shadow.md): the numbers of their versions; or true for the newest that were registered
    after the champion. At most so many, `most`."""

    challengers: bool | list[Annotated[int, Field(ge=1)]] = False
    most: Annotated[int, Field(ge=1, le=20)] = 2

    @model_validator(mode="after")
    def _bounded(self) -> ShadowSettings:
        if not isinstance(self.challengers, bool) and len(self.challengers) > self.most:
            raise ValueError(
                f"challengers names {len(self.challengers)} versions, and most is {self.most}: "
                "each costs time every night. Raise most, or name fewer"
            )
        return self


class Movers(Strict):
    """What is a move from one list to the next, beside becoming hot and joining or leaving the list
    for sales: reaching one of the `thresholds` of readiness, or falling below it (docs/publish.md).
    """

    thresholds: list[Annotated[float, Field(gt=0, lt=1)]] = []


def _from_environment(text: str) -> str:
    if not re.fullmatch(r"\$\{\w+\}", text):
        raise ValueError(
            "is written out, where everybody who sees the file reads it. Write ${WEBHOOK_SECRET}, "
            "and set the environment variable: export WEBHOOK_SECRET='...'"
        )
    return text


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", text, re.I):
        raise ValueError("should be an address that begins with https:// or http://")
    return text


class Webhook(Strict):
    """Where movers are sent as JSON, signed with the `secret`, which is written as the environment
    variable that holds it, ${NAME}; so may a part of the `url` be."""

    url: Annotated[str, AfterValidator(_web_address)]
    secret: Annotated[str, AfterValidator(_from_environment)]


Crm = Literal["hubspot", "salesforce", "pipedrive", "dynamics"]


class Publish(Strict):
    """Where the newest list goes (docs/publish.md): a `table` of the PostgreSQL that `database`
    names as tables.database does; `files` for import into CRM systems, in out/published; the
    webhook. By `readiness publish` and, `after_score`, by every `readiness score`."""

    after_score: bool = False
    database: Annotated[str, Field(min_length=1)] | None = None
    table: Annotated[str, Field(min_length=1)] = "current_scores"
    files: list[Crm] = []
    webhook: Webhook | None = None


class Spark(Strict):
    """Where Spark runs, unless this process has a session; the most leads that training and reports
    use; where scores are written (docs/spark.md)."""

    address: Annotated[str, Field(min_length=1)] = "local[*]"
    most_leads: Annotated[int, Field(ge=1)] = 200_000
    scores: Annotated[str, Field(min_length=1)] = "scores"


class Engine(Strict):
    """What computes, and its limits: for this machine's DuckDB, or for each worker of Spark."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    memory_gb: Annotated[float, Field(ge=0.25, le=65_536)] = 4
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    spark: Spark = Spark()


class Config(Strict):
    """The whole of readiness.toml. `unit`: what is trained on, scored and listed: each lead, or
    each account that features.account names, with all that its people did (docs/accounts.md)."""

    removed_keys: ClassVar[dict[str, str]] = REMOVED_KEYS
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7
    unit: Literal["lead", "account"] = "lead"
    rules: str = "rules.toml"
    sources: str = "sources.toml"
    funnel: str = "funnel.toml"
    segments: str = "segments.toml"
    titles: str = "titles.toml"
    roles: str = "roles.toml"
    out: str = "out"
    tables: Tables
    time: Times
    capacity: Capacity
    routing: Routing = Routing()
    features: Features = Features()
    outcomes: Outcomes = Outcomes()
    cohort: Cohort = Cohort()
    exclude: Exclude = Exclude()
    audit: Audit = Audit()
    training: TrainingSettings = TrainingSettings()
    promotion: PromotionSettings = PromotionSettings()
    fairness: FairnessSettings = FairnessSettings()
    mlflow: Mlflow = Mlflow()
    ledger: LedgerSettings = LedgerSettings()
    shadow: ShadowSettings = ShadowSettings()
    movers: Movers = Movers()
    publish: Publish = Publish()
    engine: Engine = Engine()
    words: dict[str, str] = {}
    questions: dict[str, dict[str, Any]] = Field(default={}, exclude=True, repr=False)
    path: Path = Field(exclude=True)
    _question: str = PrivateAttr(MAIN)

    @model_validator(mode="after")
    def _of_accounts(self) -> Config:
        if self.unit == "account":
            faults = list(_not_of_accounts(self))
            if faults:
                raise ValueError(
                    'unit = "account" ' + ", and ".join(faults) + " (docs/accounts.md)"
                )
        return self

    @property
    def account(self) -> str | None:
        """Where accounts are what is scored, what names them: features.account."""
        return self.features.account if self.unit == "account" else None

    @property
    def question(self) -> str:
        """The name of the question that these settings are of; MAIN is that of the file itself."""
        return self._question

    @property
    def folder(self) -> Path:
        """The folder of readiness.toml, to which its paths are relative."""
        return self.path.parent

    def optional_file(self, key: SettingsFile) -> Path | None:
        """The path of a further settings file; None where readiness.toml does not name it and there
        is none under its usual name. One that is named and not there is for its reader to refuse.
        """
        path = self.folder / str(getattr(self, key))
        # os.path: a path that no system takes does not exist, and is no error here
        return path if os.path.exists(path) or key in self.model_fields_set else None

    @property
    def out_folder(self) -> Path:
        """Where ledger, reports and MLflow's artefacts are written."""
        return self.folder / self.out

    @property
    def question_option(self) -> str:
        """What a command of this question needs after its verb: " --question NAME", or nothing."""
        return "" if self.question == MAIN else f" --question {self.question}"

    @property
    def mlflow_uri(self) -> str:
        """The tracking URI; a relative SQLite path is taken from the folder of readiness.toml, and
        PostgreSQL is reached by psycopg 3, the extra `postgres`. Raises BadInput for an environment
        variable that it names and that is not set."""
        uri = url_from_environment(self.mlflow.uri, "mlflow.uri")
        uri = re.sub("^postgres(ql)?://", "postgresql+psycopg://", uri)
        if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
            return f"sqlite:///{(self.folder / uri.removeprefix('sqlite:///')).resolve()}"
        return uri

    @property
    def artifacts_uri(self) -> str | None:
        """mlflow.artifacts as a URI; a folder is taken from that of readiness.toml."""
        place = self.mlflow.artifacts
        if place is None or "://" in place:
            return place
        return (self.folder / place).resolve().as_uri()


def _not_of_accounts(config: Config) -> Iterator[str]:
    """What a question about accounts needs, or cannot have, in words."""
    if config.features.account is None:
        yield 'needs the column that names the account: features.account = "account_id"'
    if config.publish.files:
        yield "cannot have publish.files, whose rows are people in a CRM system: leave it out"
    if isinstance(config.routing.amount, str):
        yield (
            "cannot have routing.amount = a column, for each person has another: give a number, or "
            "leave it out for the median of the deals won"
        )


def load(path: Path, question: str = MAIN) -> Config:
    """Read readiness.toml, given the file or its folder, as one of its questions has it.

    Raises BadInput as `load_each`, and for what is wrong in this question, or that the file does
    not have it. What is wrong in another is not reported.
    """
    every = load_each(path)
    if question not in every:
        file = settings_or_fault(every[MAIN]).path
        near = difflib.get_close_matches(question, every, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise BadInput(
            f"{file} has no question {question!r}. {meant}It has: "
            f"{', '.join(every)}. To ask another, write [questions.NAME] (docs/questions.md)."
        )
    return settings_or_fault(every[question])


def load_all(path: Path) -> dict[str, Config]:
    """As `load_each`, where all questions are needed: raises BadInput, in one message, for what is
    wrong in any of them."""
    every = load_each(path)
    if faults := [str(each) for each in every.values() if isinstance(each, BadInput)]:
        raise BadInput("\n".join(faults))
    return {name: settings_or_fault(each) for name, each in every.items()}


def settings_or_fault(settings: Config | BadInput) -> Config:
    """One of `load_each`. Raises its BadInput where it is one."""
    if isinstance(settings, BadInput):
        raise settings
    return settings


def load_each(path: Path) -> dict[str, Config | BadInput]:
    """Read readiness.toml, given the file or its folder: the settings of each question by its name,
    or what is wrong in them; the first is MAIN, the file itself.

    Raises BadInput, in one message, for a missing file, broken TOML, and in the file itself, from
    which all questions inherit, for removed keys (with why they were removed), unknown keys (with
    the nearest known one) and values that do not fit. The fault of a question may also be what it
    cannot change. What is secret in the file is masked from then on.
    """
    if not path.exists():
        raise BadInput(
            f"There is no {path}: name the folder of readiness.toml, or the file itself."
        )
    path = (path / FILE_NAME if path.is_dir() else path).resolve()
    if not path.is_file():
        raise BadInput(
            f"There is no {path.name} in {path.parent}. Write a starter with: "
            f"readiness init {path.parent}"
        )
    text = read_text(path)
    remember_environment()
    remember_secrets(text)
    content = {"path": path} | load_toml(text, path)
    named = content.get(questions.FOLDER, {})
    if not isinstance(named, dict):
        _refuse(path, ["questions: is no table. Write [questions.NAME], and below it its settings"])
    tables = {name: own for name, own in named.items() if isinstance(own, dict)}
    main = validate_toml(content | {questions.FOLDER: tables}, path, Config)
    _refuse_nul(main)
    every: dict[str, Config | BadInput] = {MAIN: main}
    places: dict[tuple[str, ...], str] = {}
    _refuse(path, list(_shared_places(main, places)))
    for name, own in named.items():
        try:
            config = _question_of(name, own, content, path)
            _refuse(path, list(_shared_places(config, places)))
            every[name] = config
        except BadInput as error:
            if name == MAIN:  # no question of its own, and no other has this name
                raise
            every[name] = error
    return every


def _question_of(name: str, own: Any, content: dict[str, Any], path: Path) -> Config:
    """The settings of a question that has `own` of them. Raises BadInput."""
    if not isinstance(own, dict):
        why = "is no table. The settings of a question stand below its name, [questions.NAME]"
        _refuse(path, [f"questions.{name}: {why}"])
    _refuse(path, list(questions.faults(name, own, Config.model_fields)))
    settings = questions.settings_of(name, content)
    config = validate_toml(settings, path, Config, f"questions.{name}.")
    config._question = name
    _refuse_nul(config)
    return config


def _refuse(path: Path, faults: list[str]) -> None:
    if faults:
        raise BadInput(faults_text(path, [f"{fault}." for fault in faults]))


def _shared_places(config: Config, places: dict[tuple[str, ...], str]) -> Iterator[str]:
    """Where a question would write over another, in words. `places`: where those before it write,
    to which its own are added."""
    mine: dict[str, tuple[str, ...]] = {"mlflow.model": (config.mlflow.model,)}
    if config.publish.database is not None:
        mine["publish.table"] = (config.publish.database, config.publish.table)
    for key, value in mine.items():
        other = places.setdefault((key, *value), config.question)
        if other != config.question:
            yield (
                f"questions.{config.question}.{key}: {value[-1]} is that of the question {other}, "
                "too"
            )


_PLACES = ("tables", "mlflow", "ledger", "publish")


def _refuse_nul(config: Config) -> None:
    """Raises BadInput for the character NUL in a path, an address or a name: systems and databases
    cut it off there."""
    sections = {"": config, **{name: getattr(config, name) for name in _PLACES}}
    for section, values in sections.items():
        for name, value in vars(values).items():
            if isinstance(value, str) and "\0" in value:
                where = f"{section}.{name}".strip(".")
                raise BadInput(
                    f"{config.path}: {where} has the character NUL (\\u0000). Leave it out."
                )
