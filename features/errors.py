"""The errors a user reads: what was wrong, where, and what to do; secrets in them are masked."""

from features.masking import without_secrets


class _ForUsers(Exception):
    def __init__(self, message: object = "") -> None:
        super().__init__(without_secrets(str(message)))


class BadInput(_ForUsers):
    """Wrong usage or bad input (exit code 2). The message is shown as is, no traceback."""


class Refused(_ForUsers):
    """The input is fine, but the work was refused or a gate not passed (exit code 1)."""


def shortened(text: str) -> str:
    """A text from a user's data or settings, cut to what a message can hold."""
    text = without_secrets(text)  # a part of one could not be told as such
    if len(text) <= _LONGEST:
        return text
    return f"{text[:80]}...{text[-30:]} ({len(text):,} letters)"


_LONGEST = 150
