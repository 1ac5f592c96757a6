"""The points table as a form: a draft of it is tested on outcomes before it is saved as a file.

A draft is kept in `out/drafts` by the version of its content, with its test beside it, so that an
address names it: /points?draft=VERSION. The rules in use are never written to.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from features.config import Config
from features.errors import BadInput, Refused
from features.whole_file import write_whole
from models.rules.edit import with_points
from models.rules.rules import RuleScore, current_rules, load_rules, store
from models.statistics.intervals import UNKNOWN, Estimate
from serve.app.access import CheckedForm
from serve.app.pages import as_served, state_of
from serve.app.rendering import rendered
from serve.app.report_list import REPORTS
from serve.app.service import Served, Service
from serve.reports.page import pages_in, scale_of
from serve.reports.points.page import reviewed, shade_of, verdict, whole
from serve.reports.rules.page import SHADES

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
REPORT = REPORTS["points.html"]
MOST_DRAFTS = 50  # kept, the newest
USUAL = "rules.draft.toml"
_VERSION, _FILE = re.compile("[0-9a-f]{10}"), re.compile(r"\w[\w.-]{0,80}\.toml")


@router.get("/points")
def points(request: Request, service: Served, draft: str = "", saved: str = "") -> HTMLResponse:
    """The rules, what outcomes say of each, and the form; with a draft, its points and its test."""
    rules = current_rules(service.config)
    tested = _draft(service.config, draft) if draft else None
    return _page(request, service, rules, tested, saved=saved)


@router.post("/points/test")
def test(request: Request, service: Served, form: CheckedForm) -> Response:
    """Keep a draft, and begin to test it as `readiness rules test` does."""
    rules = current_rules(service.config)
    given = [str(form.get(f"points{n}") or "").strip() for n in range(len(rules.file.rule))]
    try:
        if form.get("version") != rules.version:
            raise BadInput("The rules were changed meanwhile. Load the page again.")
        draft = with_points(rules, _numbers(given))
        folder = _drafts(service.config)
        path = store(draft, folder)
        _forget_old(folder)
        page = path.with_suffix(".html")
        command = ("rules", "test", "--out", str(page), str(path))
        service.making.begin(_job(draft), command)
    except (BadInput, Refused) as error:
        return _page(request, service, rules, None, given=given, wrong=str(error))
    return RedirectResponse(f"/points?draft={draft.version}#draft", 303)


@router.get("/points/drafts/{version}")
def tested(request: Request, service: Served, version: str) -> HTMLResponse:
    """The whole page of a draft's test."""
    draft = _draft(service.config, version)
    path = _drafts(service.config) / f"{draft.version}.html"
    if not path.is_file():
        raise HTTPException(404, "This draft has not been tested.")
    return as_served(request, path, None)


@router.post("/points/save")
def save(request: Request, service: Served, form: CheckedForm) -> Response:
    """Save a tested draft as a file beside readiness.toml."""
    rules = current_rules(service.config)
    draft = _draft(service.config, str(form.get("draft") or ""))
    try:
        path = _destination(service.config, form)
        if _result(service.config, draft) is None:
            raise BadInput("Test the draft before you save it.")
        write_whole(path, draft.text)
    except (BadInput, OSError) as error:
        return _page(request, service, rules, draft, wrong=str(error))
    return RedirectResponse(f"/points?draft={draft.version}&saved={path.name}#draft", 303)


def _page(
    request: Request,
    service: Service,
    rules: RuleScore,
    draft: RuleScore | None,
    given: list[str] | None = None,
    wrong: str = "",
    saved: str = "",
) -> HTMLResponse:
    config = service.config
    review = _stored(config.out_folder / "points.json")
    rows = reviewed(rules, config.words, review)
    shown = [f"{rule.points:.10g}" for rule in (draft or rules).file.rule]
    known = {page.name: page.made for page in pages_in(config.out_folder)}
    job = service.making.job
    return rendered(
        request,
        "points.html",
        status=422 if wrong else 200,
        **state_of(service, REPORT, known.get(REPORT.name)),
        rules=rules,
        rows=rows,
        reviewed=any(row.verdict for row in rows),
        outdated=bool(review) and not any(row.verdict for row in rows),
        verdict=verdict(rows),
        given=given or shown,
        draft=draft,
        testing=job if job and draft and job.page == _job(draft) else None,
        failed=service.making.fault(_job(draft)) if draft else "",
        result=_result(config, draft) if draft else None,
        wrong=wrong,
        saved=saved if _FILE.fullmatch(saved) else "",
        usual=USUAL,
        whole=whole,
        shade_of=shade_of,
    )


def _numbers(given: list[str]) -> list[float]:
    numbers = []
    for n, text in enumerate(given, 1):
        try:
            numbers.append(float(text))
        except ValueError:
            raise BadInput(f"Rule {n}: points are a number, not {text!r}.") from None
    return numbers


def _drafts(config: Config) -> Path:
    return config.out_folder / "drafts"


def _draft(config: Config, version: str) -> RuleScore:
    """A draft that was tested; 404 where there is none."""
    path = _drafts(config) / f"{version}.toml"
    if not _VERSION.fullmatch(version) or not path.is_file():
        raise HTTPException(404, "There is no such draft: its points were never tested.")
    return load_rules(path)


def _job(draft: RuleScore) -> str:
    return f"draft-{draft.version}"


def _forget_old(folder: Path) -> None:
    """Of more than MOST_DRAFTS the oldest, with their tests."""
    drafts = sorted(folder.glob("*.toml"), key=lambda path: path.stat().st_mtime)
    for old in drafts[:-MOST_DRAFTS]:
        for suffix in (".toml", ".html", ".json"):
            old.with_suffix(suffix).unlink(missing_ok=True)


def _result(config: Config, draft: RuleScore) -> dict[str, Any] | None:
    """Of the newest test of a draft: the verdicts, how many leads are on a list, and of each list
    the share that was won; None before it is done."""
    path = _drafts(config) / f"{draft.version}.json"
    stored = _stored(path)
    if not stored:
        return None
    judged, against_model = stored["test"], stored["beside_model"]
    lists = {name: _won(judged, name) for name in ("draft", "current rules")}
    if against_model:
        lists["model"] = _won(against_model, "model")
    chance = judged["random"]["at_capacity"]
    lists["at random"] = UNKNOWN._replace(point=chance["precision"])
    return {
        "verdict": stored["verdict"],
        "model_verdict": stored["model_verdict"],
        "lists": lists,
        "shades": SHADES,
        "scale": scale_of(chain(*lists.values())),
        "per_list": chance["share"] * judged["snapshots"] / len(judged["cutoffs"]),
        "cutoffs": list(judged["cutoffs"]),
        "made": datetime.fromtimestamp(path.stat().st_mtime),
    }


def _won(judged: dict[str, Any], name: str) -> Estimate:
    interval = judged["interval"][name]["precision"] or {}
    point = judged[name]["at_capacity"]["precision"]
    return Estimate(point, interval.get("low", UNKNOWN.low), interval.get("high", UNKNOWN.high))


def _stored(path: Path) -> dict[str, Any]:
    """The result that a verb wrote; {} where it has not yet, or an earlier release did."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _destination(config: Config, form: FormData) -> Path:
    """Where a draft is saved. Raises BadInput for a name that is none, for the rules in use, and
    for a file that exists, unless it is a points table that the form lets it write over."""
    name = str(form.get("name") or "").strip()
    if not _FILE.fullmatch(name):
        raise BadInput(f"The file is one beside readiness.toml, as {USUAL}, not {name!r}.")
    path, used = config.folder / name, config.folder / config.rules
    if path.resolve() == used.resolve() or (path.exists() and path.samefile(used)):
        raise BadInput(f"{name} are the rules in use: save the draft by another name.")
    if path.exists() or path.is_symlink():
        load_rules(path)  # raises for what is no points table
        if not form.get("over"):
            raise BadInput(f"{name} exists already. Give another name, or let it be written over.")
    return path
