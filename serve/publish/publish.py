"""`readiness publish`: the newest list of the ledger to every target of [publish]."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.config import Config
from features.errors import BadInput
from features.questions import MAIN
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run
from serve.publish.crm import publish_files
from serve.publish.rows import Changes, lay_out
from serve.publish.table import publish_table
from serve.publish.webhook import Delivery, publish_movers, receiver

FOLDER = "published"  # in `out`


@dataclass(frozen=True)
class Published:
    """What was published of a run, or would be. table, webhook: None where they are not set; by
    system what changed in its files, and the files."""

    run: Run
    dry_run: bool
    table: Changes | None
    crm: dict[str, Changes] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    webhook: Delivery | None = None

    def json_fields(self) -> dict[str, Any]:
        """What `publish --json` prints."""
        return vars(self) | {"run": None, **vars(self.run)}


def publish(config: Config, ledger: Ledger, dry_run: bool = False) -> Published:
    """Bring every target of [publish] up to the newest list; dry_run: only count what would change.

    The targets stand for themselves: where one fails, those before it are done, and the next
    publishing continues. Raises BadInput where no target is set, for an empty ledger, and as the
    targets do.
    """
    settings = config.publish
    if not (settings.database or settings.files or settings.webhook):
        is_main = config.question == MAIN
        section = "publish" if is_main else f"questions.{config.question}.publish"
        has_questions = config.questions or not is_main
        raise BadInput(
            f"[{section}] of readiness.toml names no target: set database, files or webhook "
            "(docs/publish.md)." + " Questions do not inherit it." * bool(has_questions)
        )
    if settings.webhook:
        receiver(settings.webhook)  # what is bound to fail fails before anything is written
    run = ledger.newest().run
    if settings.database or settings.files:
        lay_out(ledger, run)
    table = publish_table(config, ledger, dry_run) if settings.database else None
    crm: dict[str, Changes] = {}
    files: list[Path] = []
    for system in settings.files:
        folder = config.out_folder / FOLDER
        crm[system], written = publish_files(ledger, folder, system, dry_run)
        files += written
    webhook = publish_movers(settings.webhook, ledger, dry_run) if settings.webhook else None
    return Published(run, dry_run, table, crm, tuple(files), webhook)
