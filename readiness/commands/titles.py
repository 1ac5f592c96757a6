"""The verb titles."""

from pathlib import Path

from readiness.commands.options import AsJson, Where
from readiness.commands.printing import print_json, print_path


def verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Write titles.toml and roles.toml next to readiness.toml, to be edited.

    With features.title = "job_title" in readiness.toml the first says which seniority and which
    department a title has (docs/titles.md); with features.account the second says which role a
    person of an account has in the decision (docs/roles.md). They hold what is the default without
    them. Nothing is overwritten: only the file that is not there is written.
    """
    from features.conditions import roles
    from features.errors import BadInput
    from features.spec import titles
    from features.toml import read_text
    from features.whole_file import write_whole
    from readiness.settings import load

    config = load(where)
    defaults = {config.titles: titles.DEFAULT, config.roles: roles.DEFAULT}
    paths = {config.folder / name: default for name, default in defaults.items()}
    missing = {path: default for path, default in paths.items() if not path.exists()}
    if not missing:
        raise BadInput(
            f"{' and '.join(map(str, paths))} are there already. Edit them, or move one away to "
            "begin anew."
        )
    for path, default in missing.items():
        write_whole(path, read_text(default))
    if as_json:
        print_json({"written": [str(path) for path in missing]})
        return
    for path in missing:
        print_path(f"wrote {path}")
