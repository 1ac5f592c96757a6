"""How the service is served: where, to whom, and within which limits."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address

from features.errors import BadInput

SHORTEST_TOKEN = 24  # letters: what nobody guesses
TOKEN_CURE = (
    "python -c 'import secrets; print(secrets.token_urlsafe(32))' > token; chmod 600 token; "
    "readiness serve DIR --token-file token"
)


@dataclass(frozen=True)
class Serving:
    """host, port: where it listens. token: what clients and people must know, None on loopback
    only. https: whether browsers reach it by https, through a reverse proxy, so that cookies are
    marked Secure. The limits are per request; seconds: until 503; at_once: requests in work.

    Raises BadInput for an address that others reach without a token, and for a short token.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    https: bool = False
    most_bytes: int = 8_000_000
    most_leads: int = 1_000
    most_events: int = 50_000
    seconds: float = 30.0
    at_once: int = 1_000

    def __post_init__(self) -> None:
        if self.token is None:
            if not is_loopback(self.host):
                raise BadInput(
                    f"--host {self.host}: others can reach this address, so a token is required. "
                    f"Make one and name its file: {TOKEN_CURE}"
                )
        elif len(self.token) < SHORTEST_TOKEN or not self.token.isascii():
            raise BadInput(
                f"The token has {len(self.token)} letters; {SHORTEST_TOKEN} or more, all of them "
                f"ASCII, are required. {TOKEN_CURE}"
            )

    def is_token(self, given: str) -> bool:
        """Whether this is the token, in a time that does not depend on how much of it is right."""
        expected = (self.token or "").encode()
        return self.token is not None and secrets.compare_digest(given.encode(), expected)


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "crm.example")]
    [True, True, True, False, False]
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
