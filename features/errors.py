"""The errors a user reads: what was wrong, where, and what to do."""


class BadInput(Exception):
    """Wrong usage or bad input (exit code 2). The message is shown as is, no traceback."""


class Refused(Exception):
    """The input is fine, but the work was refused or a gate not passed (exit code 1)."""
