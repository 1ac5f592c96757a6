"""The verb publish."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.commands.options import AsJson, Question, Where
from readiness.commands.printing import out, print_json, print_notes, print_path, print_waiting

if TYPE_CHECKING:
    from serve.publish.publish import Published
    from serve.publish.rows import Changes


def verb(
    where: Where = Path(),
    question: Question = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how much would change, and write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish the newest list where people work: a database table, files for a CRM, a webhook.

    [publish] of readiness.toml names the targets. Only rows that changed since the last publishing
    are written; a second run writes nothing. `after_score = true` lets every `readiness score` do
    it. Exits 1 where the webhook's receiver did not accept: the messages wait for the next time.
    """
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger_of
    from serve.publish.publish import publish

    config = load(where, question=question)
    with open_ledger_of(config, notify=print_waiting) as ledger:
        published = publish(config, ledger, dry_run)
    if as_json:
        print_json(published)
    else:
        print_published(published)
    raise typer.Exit(exit_code(published))


def exit_code(published: "Published") -> int:
    """1 where messages wait that were tried."""
    return int(published.webhook is not None and published.webhook.error is not None)


def print_published(published: "Published") -> None:
    """A line per target."""
    if published.table:
        out.print(f"Table: {_changes(published.table, published.dry_run)}.")
    for system, changes in published.crm.items():
        out.print(f"{system}: {_changes(changes, published.dry_run)}.")
    for path in published.files:
        print_path(f"Import {path}")
    if sent := published.webhook:
        if published.dry_run:
            out.print(f"Webhook: {sent.new:,} messages would be new; {sent.waiting:,} wait.")
            return
        out.print(f"Webhook: {sent.delivered:,} messages delivered, {sent.waiting:,} wait.")
        if sent.dropped:
            out.print(f"{sent.dropped:,} were too old, and are dropped.")
        if sent.error:
            print_notes([f"the receiver {sent.error}"], "webhook", "red")


def _changes(changes: "Changes", dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    return (
        f"{changes.written:,} rows {would}written ({changes.new:,} new, {changes.changed:,} "
        f"changed, {changes.closed:,} no longer open), {changes.unchanged:,} as they were"
    )
