"""The report on an unexpected error: a file with the traceback, free of secrets, and no verdict."""

import os
import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from features.masking import remember_environment, without_secrets


def report_crash(error: BaseException) -> Path:
    """Write the report into the folder for temporary files, readable by this account only.

    It goes there and not beside the ledger, for the settings may be what could not be read.
    """
    remember_environment()
    now = datetime.now(UTC)
    text = "\n".join(
        [
            f"readiness {version('sales-readiness')}, Python {platform.python_version()}, "
            f"{platform.platform()}, {now:%Y-%m-%d %H:%M:%S} UTC",
            f"command: {' '.join(sys.argv)}",
            "".join(traceback.format_exception(error)),
        ]
    )
    prefix = f"readiness-crash-{now:%Y%m%d-%H%M%S}-"
    number, name = tempfile.mkstemp(".txt", prefix)
    with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(without_secrets(text))
    return Path(name)
