"""Passwords and tokens are masked wherever text leaves: messages, JSON, pages, logs, crash reports,
MLflow. A secret is known by its place in a text, `://user:HERE@host` and `password=HERE`, and, once
`remember_secrets` has seen it in the settings or the environment, by itself anywhere.
"""

import os
import re
from collections.abc import Iterator
from urllib.parse import unquote

MASK = "***"
_NAME = (
    r"(?:(?:passw|pwd|secret|token|(?:api|access|account|private)[_-]?key|credential|signature"
    r"|authorization)\w{0,40}|\b(?:pass|sig)(?=\s?=))"
)
_VALUE = (  # as SQL within SQL, Python, JSON, libpq and URLs write it; to the end where it was cut
    r"''[^']+''|\\*'(?:[^'\\]|\\.|'')*'?|\\*\"(?:[^\"\\]|\\.|\"\")*\"?"
    r"|(?:(?:bearer|basic)\s+)?[^\s,;&'\"][^\s,;&]*"
)
_FAULT = r"(?:is required|unknown key|was removed|should be)\b"  # what settings say of their keys
_AFTER_ITS_NAME = re.compile(
    rf"({_NAME}['\"]?(?:\s{{0,4}}[=:]>?\s{{0,4}}|%3d|\s{{1,4}}(?=')))"
    rf"(?!\\*['\"]?(?:\$\{{|\.\.\.|\*\*\*)|{_FAULT})({_VALUE})",
    re.I,
)
_IN_A_URL = re.compile(r"(?<=://)([^\s:/@?#'\"<>]{0,100}:)(?!\$\{\w+\}@)(\S{1,2000})(?=@)")
_TOKEN_IN_A_URL = re.compile(r"(\bhttps?://)([^\s:/@?#$]{1,2000})(?=@)", re.I)
# of each pattern what a text has in lower case that it may match: most texts have none of it
_PATTERNS = {
    _IN_A_URL: ("://",),
    _TOKEN_IN_A_URL: ("://",),
    _AFTER_ITS_NAME: ("pass", "pwd", "secret", "token", "key", "credential", "sig", "author"),
}

_known: set[str] = set()


def without_secrets(text: str) -> str:
    """The text with *** in place of each secret. `${NAME}` and `'...'` stay, which stand for one.

    >>> without_secrets("postgresql://anna:s3cret@db/leads, password='x y'")
    'postgresql://anna:***@db/leads, password=***'
    >>> without_secrets("https://db?sslpassword=x&user=anna, postgresql://anna:${PASSWORD}@db")
    'https://db?sslpassword=***&user=anna, postgresql://anna:${PASSWORD}@db'
    >>> without_secrets("webhook.secret: is required"), without_secrets("secret: isrequired")
    ('webhook.secret: is required', 'secret: ***')
    """
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    lowered = text.lower()
    for pattern, signs in _PATTERNS.items():
        if any(sign in lowered for sign in signs):
            text = pattern.sub(rf"\1{MASK}", text)
    return text


def remember_secrets(text: str) -> None:
    """Whatever of this text is a secret by its place is masked from now on wherever it stands."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            remember_secret(match[2])


def remember_secret(value: str) -> None:
    """Mask a value from now on wherever it stands. A short or plain word, such as `reader`, is not:
    what is no secret would be masked with it."""
    _known.update(filter(_is_distinct, _spellings(value)))


def remember_environment() -> None:
    """Remember the environment variables that are named as secrets are, and those in URLs."""
    for name, value in os.environ.items():
        if re.search(_NAME, name, re.I) and not os.path.exists(value):  # as PWD, a folder, does
            remember_secret(value)
        remember_secrets(value)


def _spellings(value: str) -> Iterator[str]:
    """A value as it was written, and as it is meant."""
    plain = value.strip("'\"\\")
    for each in (plain, plain.replace("''", "'")):
        yield each
        yield unquote(each)


def _is_distinct(value: str) -> bool:
    mixed = not (value.isalpha() or value.isdigit() or "${" in value)
    return len(value) >= 12 or (len(value) >= 6 and mixed)
