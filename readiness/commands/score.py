"""The verb score."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from features.errors import BadInput, Refused
from features.progress import step
from features.spec.wording import due, plural
from readiness.commands.options import AsJson, Cutoff, Export, Question, Segment, Where, Which
from readiness.commands.printing import (
    figure,
    out,
    pasted,
    print_error,
    print_json,
    print_notes,
    print_path,
    print_section,
    print_table,
    print_times,
    print_waiting,
    progress_bars,
    remember_question,
    with_details,
)
from readiness.commands.publish import exit_code, print_published
from readiness.faults import fault_of

if TYPE_CHECKING:
    import pandas as pd

    from features.config import Config
    from serve.ledger.ledger import Ledger
    from serve.publish.publish import Published
    from serve.scoring.lead_rows import Frames
    from serve.scoring.points_only import PointsOnly
    from serve.scoring.scored import Scored
    from serve.scoring.scorer import Scorer
    from serve.scoring.together import Opened
    from serve.scoring.unchanged import RunInputs


def verb(
    where: Where = Path(),
    question: Question = None,
    cutoff: Cutoff = None,
    which: Which = "champion",
    to: Export = None,
    segment: Segment = None,
    top: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many leads of the list are printed.")
    ] = 5,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept",
            help="Score although the cutoff is in the future, or nearly all recent events have "
            "unknown actions.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score every open lead into the ledger, with its points, reasons and a route.

    Each open lead is in the ledger exactly once per cutoff and versions; a second run changes
    nothing that was written, and adds leads that became known late; where no file of the inputs
    changed, it does not read them again. A lead that cannot be scored is there too, with the
    reason. --export writes all of them: to call are those whose decided_route is sales.

    Without a champion yet, leads are ranked by points alone: readiness is empty, and the reason of
    each route says what is missing for a model (docs/enough-data.md).

    [routing] of readiness.toml says who goes to sales, and by when they are called; all others go
    to nurture, or are disqualified. Leads on which model and rules disagree are marked. Decisions
    of people (readiness override) are exported in their own column, decided_route.

    Where 90% or more of the events of the last 28 days have actions that neither model nor rules
    know, as after a renaming, it exits 1 and writes nothing, unless --accept; so for a cutoff in
    the future. Notes say what can hardly be true (docs/plausibility.md), and which columns differ
    from the model's training.

    Where [publish] after_score is set, the list is published then (readiness publish). A failure of
    that exits 1: the scores are in the ledger, and `readiness publish` tries again.

    Of a project with several questions (docs/questions.md) all are scored, unless --question names
    one; one that fails stops no other, and the exit code is the worst.

    The ledger names the segments (segments.toml) of each lead; --segment shows and exports only the
    leads of one, while the ledger gets them all.
    """
    from features.config import load_each
    from readiness.settings import load
    from serve.ledger.ledger import require_exportable
    from serve.scoring.scored import refuse_future

    every = load_each(where)
    if not accept:
        cure = "To score at it all the same, add --accept."
        refuse_future(cutoff, "scored or written to the ledger", cure)
    if to:
        require_exportable(to)
    options = _Options(where, cutoff, which, to, segment, top, accept)
    if question is not None or len(every) == 1:
        config = load(where, to, question)
        with ExitStack() as stack:
            result = _finished(_begun(stack, config, options), options, None)
        print_times()
        if as_json:
            print_json(result.fields)
        else:
            _print(result)
        raise typer.Exit(result.code)
    _refuse_of_one_question(options, list(every))
    raise typer.Exit(_score_every(every, options, as_json))


@dataclass(frozen=True)
class _Options:
    """What is options of each question."""

    where: Path
    cutoff: datetime | None
    which: str
    to: Path | None
    segment: str | None
    top: int
    accept: bool


@dataclass(frozen=True)
class _Result:
    """Of one question: its exit code, what --json prints, and what is shown of it."""

    code: int
    fields: dict[str, Any]
    scored: "Scored"
    head: "pd.DataFrame"
    unit: str


@dataclass(frozen=True)
class _Begun:
    """A question whose ledger is open: what it was scored by last, and by whom it is scored now;
    scored, where nothing changed since."""

    config: "Config"
    ledger: "Ledger"
    inputs: "RunInputs | None"
    scored: "Scored | None"
    scorer: "Scorer | PointsOnly | None"


def _begun(stack: ExitStack, config: "Config", options: _Options) -> _Begun:
    """Open the ledger, and load the model unless nothing changed."""
    from features.conditions.segments import load_segments
    from serve.ledger.ledger import open_ledger_of
    from serve.scoring.unchanged import RunInputs, unchanged

    if options.segment:
        load_segments(config).named(options.segment)
    ledger = stack.enter_context(open_ledger_of(config, notify=print_waiting))
    inputs = RunInputs.of(config, options.which)
    scored = unchanged(config, inputs, ledger, options.cutoff)
    if scored is not None:
        return _Begun(config, ledger, inputs, scored, None)
    from serve.scoring.points_only import scorer_of

    with step("load the model"):
        scorer = inputs.scorer(config) if inputs else scorer_of(config, options.which)
    return _Begun(config, ledger, inputs, None, scorer)


def _finished(begun: _Begun, options: _Options, opened: "Opened | None") -> _Result:
    """Score the question, from a lead database that is open for several or one of its own, and
    print what was noted. Raises as `score_all`."""
    from readiness.outputs import destination

    config, ledger, to, segment = begun.config, begun.ledger, options.to, options.segment
    scored = begun.scored or _score(begun, options, opened)
    if config.ledger.keep_days:
        ledger.keep(config.ledger.keep_days)
    written = None
    if to:
        with step("export"):
            written = ledger.export(scored.run, destination(config, to), segment)
    fields = scored.json_fields() | {"ledger": str(ledger.store), "export": written}
    fields |= {"segment": scored.of_segment(segment)} if segment else {}
    head = ledger.rows(scored.run, options.top, segment)
    code, fields["publish"] = _publish(config, ledger)
    print_notes(scored.breaches, "breach", "red")
    print_notes(scored.notes)
    return _Result(code, fields, scored, head, config.unit)


def _score(begun: _Begun, options: _Options, opened: "Opened | None") -> "Scored":
    from features.engine.duckdb_engine import feature_frames
    from features.open_database import open_database
    from serve.scoring.batch import score_all
    from serve.scoring.unchanged import remember

    config, ledger, scorer = begun.config, begun.ledger, begun.scorer
    assert scorer is not None
    at = options.cutoff
    with ExitStack() as stack:
        measure: Frames = feature_frames
        if opened:
            database, at, measure = opened.database, opened.cutoff, opened.measured.frames
        else:
            staged = open_database(scorer.staged(config), scorer.specs)
            database = stack.enter_context(staged)
        progress = stack.enter_context(progress_bars())
        scored = score_all(config, database, scorer, ledger, at, progress, options.accept, measure)
    if not options.accept:
        remember(config, begun.inputs, scored)
    return scored


@dataclass
class _Night:
    """What --json prints of each question, and its exit code."""

    results: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def of_question(self, name: str) -> Iterator[None]:
        """What fails within is reported as of this question, and stops no other."""
        remember_question(name)
        try:
            yield
        except BrokenPipeError:
            raise
        except Exception as error:
            fault = fault_of(error)
            if fault.is_end:
                raise
            self.codes[name] = fault.code
            self.results[name] = pasted({"error": fault.message} | dict(fault.details))
            print_error(f"question {name}: {fault.message}", **fault.more)
        finally:
            remember_question(None)


def _score_every(every: "Mapping[str, Config | BadInput]", options: _Options, as_json: bool) -> int:
    """Score all questions; one that fails stops no other, and the exit code is the worst."""
    from features.config import settings_or_fault
    from readiness.settings import require_settings
    from serve.scoring.together import Part, open_together

    night = _Night()
    with ExitStack() as stack:
        begun: dict[str, _Begun] = {}
        for name, settings in every.items():
            with night.of_question(name):
                config = settings_or_fault(settings)
                require_settings(config)
                begun[name] = _begun(stack, config, options)
        parts = {name: Part(b.config, b.scorer) for name, b in begun.items() if b.scorer}
        with progress_bars() as progress:
            opened = stack.enter_context(open_together(parts, options.cutoff, progress))
        for name, each in begun.items():
            with night.of_question(name):
                if not as_json:
                    print_section(f"Question {name}")
                result = _finished(each, options, opened.get(name))
                night.codes[name], night.results[name] = result.code, pasted(result.fields)
                if not as_json:
                    _print(result)
    print_times()
    failed = [name for name in every if night.codes[name]]
    if as_json:
        print_json({"questions": {name: night.results[name] for name in every}, "failed": failed})
    elif failed:
        print_notes([f"{', '.join(failed)}: see above; the others are done"], "failed", "red")
    return max(night.codes.values())


def _refuse_of_one_question(options: _Options, names: list[str]) -> None:
    """Raises BadInput for what is of one question, where all are scored."""
    for option, given in (("--export", options.to), ("--model", options.which != "champion")):
        if given:
            raise BadInput(
                f"{option} is about one question, and without --question all are scored: "
                f"{', '.join(names)}. Name one: readiness score --question {names[-1]} {option} ..."
            )


def _print(result: _Result) -> None:
    _print_scored(result.scored, result.fields, result.head, result.unit)
    print_path(f"Ledger: {result.fields['ledger']}; --export list.csv writes the list as a file")
    if result.fields["export"]:
        print_path(f"Exported to {result.fields['export']}")
    _print_publishing(result.fields["publish"])


def _publish(config: "Config", ledger: "Ledger") -> "tuple[int, Published | dict[str, str] | None]":
    """The exit code and what was published, None unless after_score; or the error: the scores are
    in the ledger all the same."""
    if not config.publish.after_score:
        return 0, None
    from serve.publish.publish import publish

    try:
        published = publish(config, ledger)
    except (BadInput, Refused) as error:
        return 1, {"error": str(error)}
    return exit_code(published), published


def _print_publishing(published: "Published | dict[str, str] | None") -> None:
    if isinstance(published, dict):
        print_notes([published["error"]], "scored, but not published", "red")
    elif published:
        print_published(published)


def _print_scored(
    scored: "Scored", result: dict[str, Any], head: "pd.DataFrame", unit: str
) -> None:
    run = scored.run
    ready = head[(head["state"] == "scored") & (head["decided_route"] == "sales")]
    part = result.get("segment")
    if len(ready):
        whose = f" of the segment {part['name']}" if part else ""
        _print_head_of_the_list(ready, whose, scored.by_points, unit)
    if part:
        out.print(
            f"[bold]In the segment {escape(part['name'])}: "
            f"{plural(part['open_leads'], f'open {unit}')}[/], "
            f"{_in_words(part['routes'])}. In all:"
        )
    out.print(
        f"{plural(scored.open_leads, f'open {unit}')} at {run.cutoff:%Y-%m-%d %H:%M} UTC: "
        f"{_in_words(result['routes'])} "
        f"({'no model' if scored.by_points else f'model version {run.model_version}'}, "
        f"rules {run.rules_version})."
    )
    if result["marked"]:
        marked = "; ".join(f"{count:,} {how}" for how, count in result["marked"].items())
        out.print(f"Marked, as model and rules disagree: {marked}.")
    if result["postponing"]:
        out.print(
            f"{result['postponing']:,} ready but postponing. Who of them is not to call now: "
            "follow_up_on says when to return."
        )
    if result["decided_otherwise"]:
        decided = f"{result['decided_otherwise']:,} decided by people"
        out.print(f"{decided}: see decided_route; the history of one: readiness override LEAD")
    unscored = scored.unscored
    if unscored.faulty:
        out.print(
            f"{unscored.faulty:,} of them could not be scored, the ledger says why (first: "
            f"{escape(unscored.first)}). See: readiness check"
        )
    if unscored.outside:
        out.print(
            f"{unscored.outside:,} of them are outside the cohort or excluded: not scored, in the "
            "ledger with the reason."
        )
    known = sum(result["routes"].values()) - scored.added
    before = (
        f"; {known:,} were in the ledger before and are unchanged. Other settings act from the "
        "next cutoff on"
    )
    out.print(f"{plural(scored.added, 'row')} added{before if known else ''}.")


def _in_words(routes: dict[str, int]) -> str:
    return (
        f"{routes.get('sales', 0):,} to sales, {routes.get('nurture', 0):,} to nurture, "
        f"{routes.get('disqualified', 0):,} disqualified"
    )


def _print_head_of_the_list(ready: "pd.DataFrame", whose: str, by_points: bool, unit: str) -> None:
    import pandas as pd

    from serve.reports.leads.figures import MARKS, with_mark

    rows = []
    for row in ready.to_dict("records"):
        reasons = row["reasons"].split("; ")
        why = "\n".join(reasons if by_points else map(with_mark, reasons))
        readiness = [] if by_points else [figure(row["readiness"], "{:.1%}")]
        by = "" if pd.isna(row["contact_by"]) else due(row["contact_by"]).replace(", ", "\n")
        points = f"{row['rule_score']:g} {row['band']}"
        rows.append((with_details(escape(row["lead_id"]), escape(why)), *readiness, points, by))
    legend = "the lines of the points table that weigh most" if by_points else MARKS
    print_table(
        f"The first {unit}s of the list for sales{escape(whose)}",
        [f"{unit} and why", *([] if by_points else [">readiness"]), ">points", ">call by, UTC"],
        rows,
        f"why: {legend}. All of one {unit}: readiness explain {unit.upper()}",
    )
