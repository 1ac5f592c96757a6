"""The errors a user reads: what was wrong, where, and what to do."""


class BadInput(Exception):
    """Wrong usage or bad input (exit code 2). The message is shown as is, no traceback."""


class Refused(Exception):
    """The input is fine, but the work was refused or a gate not passed (exit code 1)."""


def shortened(text: str) -> str:
    """A text from a user's data or settings, cut to what a message can hold."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[:80]}...{text[-30:]} ({len(text):,} letters)"


_LONGEST = 150
