"""Reports of progress, `progress(what, done, of)`; the command shows them as a bar."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, of: int) -> None:
    """Reports nothing."""
