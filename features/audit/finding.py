"""A finding of the leakage audit, the advice for each kind, and which findings are accepted;
docs/audit.md says more of each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scipy.stats import binomtest

from features.config import Config
from features.errors import Refused
from features.spec.where import fits
from features.spec.wording import plural
from features.toml import toml_value

LEVEL = 0.99  # of the intervals, as many actions and values are tested at once
SHOWN = 3  # findings of one kind about one action or column that are written out

# What to do about each kind.
KINDS = {
    "decides:won": (
        "Nearly all leads that have it are won. Leave it out if it is recorded with the win; "
        "accept it if it is known well before the win."
    ),
    "decides:lost": (
        "Nearly all leads that have it are lost. Leave it out if it is recorded with the loss; "
        "accept it if it is known well before the loss (and make it a disqualifier of the rules)."
    ),
    "near_close": ("It happens because the deal closes. Add it to features.leave_out_actions."),
    "closed_only": (
        "It is written down when the deal closes, with an earlier date. Give the time of recording "
        "as recorded_at, or leave the action out."
    ),
    "backfilled": (
        "Old events were recorded late, which does not happen for new leads. Correct recorded_at, "
        "or leave the action out."
    ),
    "bulk_recorded": (
        "History was imported in one batch. Set time.first_cutoff after the import, or leave its "
        "actions out."
    ),
    "before_creation": (
        "These events are dated before their lead existed. Correct the times, or leave the action "
        "out."
    ),
    "burst": (
        "A job wrote these events, not the leads. Use the true times, or leave the action out. "
        "Accept it if it is an e-mail to many leads at once."
    ),
    "date_only": (
        "Each cutoff sees up to a day ahead. Have the query give the end of the day, or leave the "
        "action out. Accept it if it is a job that runs at that time."
    ),
    "coarse_dates": (
        "Cutoffs within the week or month see what came later in it, or after the win. Have the "
        "query give the true day (of events, the end of the week or month does too), or leave the "
        "action out. Accept it if it does happen on that day."
    ),
    "filled_after_close": (
        "It is filled in when a deal closes. Remove it from features.attributes, or read its value "
        "as it was when the lead was created."
    ),
    "dated_later": (
        "It is written when it happens, so at earlier cutoffs the model would see what is to come. "
        "Remove it from features.attributes; what happened then belongs in tables.events. Accept "
        "it if it is known before, as a deadline."
    ),
    "identifier": (
        "It identifies leads and does not describe them. Remove it from features.attributes."
    ),
    "separates": (
        "A single feature is hardly ever that good. Check where it comes from, and leave it out if "
        "it is recorded after the outcome is known."
    ),
    "born_at_close": (
        "These leads are in the data because they were won. Leave them out in the query of "
        "tables.leads, or use the time of their first contact as created_at."
    ),
    "created_after_deal": (
        "created_at is the time when the lead became a deal. Use the time of the first contact."
    ),
    "events_only": (
        "Whether a lead has events reveals its outcome. Read the events of all leads in one way."
    ),
    # What can hardly be true (features/check/plausibility.py).
    "placeholder_date": (
        "A program or a person wrote it where the date was not known. Have the query give NULL, or "
        "the true date."
    ),
    "far_date": "Is the year right? Correct it, have the query give NULL, or leave the row out.",
    "lone_last_record": (
        "Correct its date, or set time.data_end as above: until there, outcomes are known."
    ),
    "shared_account": (
        "Does it stand for leads whose account is not known? Have the query of tables.leads give "
        "NULL for it, or accept it if it is one customer."
    ),
    "lookalike_names": (
        "Features count each by itself. Write them alike in the query of the table."
    ),
    "rounded_ids": "Different leads share such an id. Export lead_id anew, as text.",
}


@dataclass(frozen=True)
class Finding:
    """One possible leak; its code is the same in every run.

    about: what has to be mended or left out, `action:NAME`, `column:NAME` (of leads),
    `source:NAME` (of events), `table:NAME` or `feature:NAME`; evidence: in words (`said` in JSON);
    figures: the same as numbers; first: the first rows that show it; features: how many features
    measure what it is about; accepted: whether readiness.toml accepts it under [audit].
    """

    kind: str
    subject: str
    about: str
    evidence: str
    figures: dict[str, float]
    first: tuple[str, ...] = ()
    features: int = 0
    accepted: bool = False

    @property
    def code(self) -> str:
        """What readiness.toml lists to accept it.

        >>> Finding("near_close", "contract_sent", "action:contract_sent", "...", {}).code
        'near_close(contract_sent)'
        """
        return f"{self.kind}({self.subject})"

    @property
    def advice(self) -> str:
        """What to do about it."""
        return KINDS[self.kind]

    @property
    def fact(self) -> str:
        """Its code, the evidence and the first rows, without the advice."""
        first = f" (first: {'; '.join(self.first)})" if self.first else ""
        return f"{self.code}: {self.evidence}{first}."

    def __str__(self) -> str:
        return f"{self.fact} {self.advice}"

    def json_fields(self) -> dict[str, Any]:
        """With its code, its advice and the whole as `text`; the evidence is called `said`."""
        fields = vars(self) | {"said": self.evidence}
        del fields["evidence"]
        return {"code": self.code, **fields, "advice": self.advice, "text": str(self)}


def accepts(pattern: str, finding: Finding) -> bool:
    """Whether an entry of [audit] accepted covers a finding: it is its code, or what it is about,
    where * stands for any text.

    >>> status = Finding("decides:won", "status=customer", "column:status", "...", {})
    >>> [accepts(each, status) for each in ("decides:won(status=*)", "column:sta*", "column:stat")]
    [True, True, False]
    """
    return fits(pattern, finding.code) or fits(pattern, finding.about)


def grouped(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """The findings by what they are about; a heading says that and how many features it concerns.
    Of one kind about one thing the first three are listed."""
    groups: dict[str, list[Finding]] = {}
    for each in findings:
        heading = f" ({plural(each.features, 'feature')})" if each.features else ""
        groups.setdefault(each.about + heading, []).append(each)
    return groups


def to_lines(group: Sequence[Finding]) -> list[str]:
    """A line per finding of a group, the advice of each kind once; of more than three findings of
    a kind, the number of the others."""
    lines = []
    for kind in dict.fromkeys(each.kind for each in group):
        same = [each for each in group if each.kind == kind]
        lines += [each.fact for each in same[:SHOWN]]
        if len(same) > SHOWN:
            lines.append(f"{kind}: and {len(same) - SHOWN} more (--json has all)")
        lines[-1] += f" {KINDS[kind]}"
    return lines


def codes_to_accept(findings: Sequence[Finding]) -> list[str]:
    """The entries that accept these findings: their codes, or a pattern for more than three of one
    kind about one thing.

    >>> many = [Finding("decides:lost", f"size={n}", "column:size", "...", {}) for n in range(5)]
    >>> codes_to_accept(many)
    ['decides:lost(size=*)']
    """
    codes = []
    for group in grouped(findings).values():
        for kind, count in Counter(each.kind for each in group).items():
            subjects = [each.subject for each in group if each.kind == kind]
            column = subjects[0].partition("=")[0] + "="
            of_one = all(subject.startswith(column) for subject in subjects)
            pattern = f"{kind}({column if of_one else ''}*)"
            codes += [pattern] if count > SHOWN else [f"{kind}({each})" for each in subjects]
    return codes


def to_paste(codes: Iterable[str]) -> str:
    """The lines of readiness.toml that accept these codes.

    >>> print(to_paste(["near_close(contract_sent)"]))
    [audit]
    accepted = ["near_close(contract_sent)"]
    """
    return f"[audit]\naccepted = {toml_value(list(codes))}"


def marked(findings: Iterable[Finding], config: Config) -> tuple[Finding, ...]:
    """The findings, those that readiness.toml accepts marked."""
    accepted = config.audit.accepted
    return tuple(
        replace(each, accepted=any(accepts(pattern, each) for pattern in accepted))
        for each in findings
    )


def refuse(findings: Sequence[Finding], config: Config, what: str, cure: str) -> None:
    """Raises Refused with every finding that readiness.toml does not accept, and the advice. what:
    that there are {things}; cure: what to do, up to how each is accepted."""
    new = [each for each in findings if not each.accepted]
    if not new:
        return
    lines = "\n".join(
        f"  {heading}\n" + "\n".join(f"    {line}" for line in to_lines(group))
        for heading, group in grouped(new).items()
    )
    codes = dict.fromkeys([*config.audit.accepted, *codes_to_accept(new)])
    raise Refused(
        f"{what.format(things=plural(len(new), 'thing'))}:\n{lines}\n{cure}, replace [audit] in "
        f"{config.path.name} with these lines, and add a comment that says why:\n{to_paste(codes)}"
    )


def interval(hits: int, count: int) -> tuple[float, float]:
    """The 99% interval of a share hits / count (Wilson, JASA 1927); count > 0.

    >>> [round(bound, 3) for bound in interval(40, 40)]
    [0.858, 1.0]
    """
    bounds = binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return float(bounds.low), float(bounds.high)
