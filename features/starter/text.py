"""How a starter is written: words looked for in names, all files or none."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from features.errors import BadInput
from features.toml import toml_value


def listed(texts: Iterable[str], before: str = "") -> str:
    """Texts as TOML with commas between, after `before`; "" where there are none."""
    joined = ", ".join(toml_value(text) for text in texts)
    return joined and before + joined


def begins_word(pattern: str, name: str) -> bool:
    """Whether the pattern begins a word of the name (snake_case, camelCase or prose)."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return re.search(rf"(?<![^\W\d_])(?:{pattern})", words) is not None


def write_all(texts: Mapping[Path, str]) -> None:
    """Write every file or none: each is complete beside its place before any takes it."""
    drafts = {path: path.with_name(f".{path.name}.draft") for path in texts}
    done: list[Path] = []
    try:
        for path, text in texts.items():
            drafts[path].write_text(text, encoding="utf-8")
        for path, draft in drafts.items():
            os.replace(draft, path)
            done.append(path)
    except OSError as error:
        raise BadInput(f"The starter cannot be written: {error}") from None
    finally:
        for path in [*drafts.values(), *(done if len(done) < len(texts) else [])]:
            path.unlink(missing_ok=True)
