"""Every rules file that was scored with is kept by its version, so that it can be looked up later.

`out/rules/<version>.toml` holds the text as it was read, comments and all. The same content has the
same version, so it is kept once, with the comments of its first use.
"""

from pathlib import Path

from features.config import Config
from features.errors import BadInput
from features.whole_file import whole
from models.rules.rules import RuleScore, load_rules


def rules_folder(config: Config) -> Path:
    """Where the versions are kept."""
    return config.out_folder / "rules"


def keep(rules: RuleScore, folder: Path) -> Path:
    """Keep the rules' text in a folder, made if need be, whole or not at all; return its path."""
    path = folder / f"{rules.version}.toml"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_text(rules.text, encoding="utf-8")
    return path


def current_rules(config: Config) -> RuleScore:
    """The rules file that readiness.toml names."""
    return load_rules(config.folder / config.rules)


def find_rules(named: str, config: Config) -> RuleScore:
    """The rules of a file, of a kept version (its first digits will do), or `current`.

    Raises BadInput where there are none, or several versions begin so.
    """
    if named == "current":
        return current_rules(config)
    if Path(named).suffix == ".toml" or Path(named).is_file():
        return load_rules(Path(named))
    folder, current = rules_folder(config), current_rules(config)
    kept = sorted({current.version, *(path.stem for path in folder.glob("*.toml"))})
    found = [version for version in kept if version.startswith(named)]
    if found == [current.version]:
        return current
    if len(found) == 1:
        return load_rules(folder / f"{found[0]}.toml")
    if found:
        raise BadInput(f"Several versions begin with {named}: {', '.join(found)}. Name more of it.")
    raise BadInput(
        f"There are no rules {named!r}: name a .toml file, `current`, or one of the versions "
        f"{', '.join(kept)} (what was scored with is kept in {folder})."
    )
