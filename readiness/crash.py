"""The report on an unexpected error: a file with the traceback, free of secrets, and no verdict."""

import os
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_SECRET_NAME = r"\w*(?:passw|pwd|secret|token|api_?key|credential)\w*"
_IN_A_URL = re.compile(r"(?<=://)[^\s/@]+@")
_AFTER_ITS_NAME = re.compile(
    rf"({_SECRET_NAME}['\"]?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s,;&]+)", re.I
)
_LEAST = 4  # letters of a secret: a shorter value would blank out ordinary words


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """The text without the values of environment variables that are named as secrets are, without
    users and passwords in URLs, and without what follows a name such as `password=`.

    >>> without_secrets("postgresql://anna:s3cret@db/leads, password='x y'", {})
    'postgresql://***@db/leads, password=***'
    >>> without_secrets("sent hunter22 to db", {"DB_PASSWORD": "hunter22", "HOME": "db"})
    'sent *** to db'
    """
    secrets = (value for name, value in environment.items() if re.search(_SECRET_NAME, name, re.I))
    for secret in sorted(filter(lambda value: len(value) >= _LEAST, secrets), key=len)[::-1]:
        text = text.replace(secret, "***")
    return _AFTER_ITS_NAME.sub(r"\1***", _IN_A_URL.sub("***@", text))


def report_crash(error: BaseException) -> Path:
    """Write the report into the folder for temporary files, readable by this account only.

    It goes there and not beside the ledger, for the settings may be what could not be read.
    """
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
        file.write(without_secrets(text, os.environ))
    return Path(name)
