"""The verb compare."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from features.spec.wording import plural
from readiness.commands.options import AsJson, Page, Question, Segment, Where, Which
from readiness.commands.printing import out, print_json, print_path, print_verdict, progress_bars

if TYPE_CHECKING:
    from models.comparison import Comparison
    from serve.reports.compare.details import Details


def verb(
    where: Where = Path(),
    question: Question = None,
    which: Which = "",
    to: Page = None,
    segment: Segment = None,
    as_json: AsJson = False,
) -> None:
    """Model against rules on real outcomes, at the number of leads that sales can call.

    The same mature snapshots are ranked by the model, by the rules and at random, in lists of equal
    size. Writes a self-contained HTML page (compare.html, for a segment compare-NAME.html) and the
    same figures as .json. Without --model: the champion, or the challenger if there is no champion
    yet; if there is too little data for any model, it says what is missing.
    """
    from features.conditions.segments import load_segments
    from features.open_database import open_database
    from models.fairness.groups import group_specs
    from models.rules.rules import load_rules
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.reports.compare.details import details
    from serve.reports.compare.figures import compare, model_of, simpler_at_training, worked_at
    from serve.reports.compare.page import page_name, render
    from serve.reports.page import write_page

    config = load(where, to, question=question)
    model = model_of(config, which)
    rules = load_rules(config.folder / config.rules)
    segments = load_segments(config)
    only = segments.named(segment) if segment else None
    specs = (*model.specs, *rules.specs, *segments.specs, *group_specs(config))
    with open_database(model.staged(config), specs) as database, progress_bars() as progress:
        compared = compare(config, database, model, rules, progress, only)
        contacted = None if segment else worked_at(database, compared)
        further = details(config, database, model, compared)
    simpler = None if segment else simpler_at_training(config, model)
    text = render(compared, simpler, contacted, further)
    figures = compared.json_fields() | {"contacted": contacted} | further.json_fields()
    page = write_page(destination(config, to, page_name(segment)), text, figures)
    if as_json:
        print_json(figures, page=page)
        return
    if segment:
        out.print(f"Only the open {config.unit}s in the segment [bold]{escape(segment)}[/]:")
    _print_figures(compared, further, config.unit)
    if contacted:
        out.print(f"At these cutoffs: {contacted}")
    print_path(f"Report: {page}")


def _print_figures(compared: "Comparison", further: "Details", unit: str) -> None:
    from models.fairness.wording import warnings
    from readiness.commands.tables import print_judgement

    print_verdict(compared.verdict)
    print_judgement(compared.judgement, compared.calibration, unit)
    if compared.champion_because:
        out.print(f"Why it is the champion: {compared.champion_because}", markup=False)
    if compared.prior_shift:
        added = ", ".join(f"{day} {moved:+.2f}" for day, moved in compared.prior_shift.items())
        out.print(f"With the prior shift that scoring would have added to the log-odds: {added}.")
    for each in further.realised:
        lists = f"{plural(len(each.judgement.cutoffs), 'past list')} that both scored"
        both = f"Version {each.version} beside version {each.champion}, on {lists}"
        out.print(f"{both}: {each.verdict}", markup=False)
    for warning in warnings(further.fairness, unit) if further.fairness else []:
        out.print(warning, markup=False)
