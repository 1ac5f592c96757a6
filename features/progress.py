"""How long work tells how far it is: `progress(what, done, of)`. The CLI shows it as a bar."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, of: int) -> None:
    """Progress for those who do not look."""
