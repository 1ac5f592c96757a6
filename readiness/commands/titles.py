"""The verb titles."""

from pathlib import Path

from readiness.commands.options import AsJson, Where
from readiness.commands.printing import print_json, print_path


def verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Write titles.toml, the default table of job titles, next to readiness.toml, to be edited.

    With features.title = "job_title" in readiness.toml the table says which seniority and which
    department a title has (docs/titles.md). Nothing is overwritten.
    """
    from features.errors import BadInput
    from features.spec.titles import DEFAULT
    from features.toml import read_text
    from features.whole_file import write_whole
    from readiness.settings import load

    config = load(where)
    path = config.folder / config.titles
    if path.exists():
        raise BadInput(f"{path} is there already. Edit it, or move it away to begin anew.")
    write_whole(path, read_text(DEFAULT))
    if as_json:
        print_json({"written": str(path)})
        return
    print_path(f"wrote {path}")
