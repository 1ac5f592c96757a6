"""Pages without what differs between two writings of the same."""

import re


def unstamped(text: str) -> str:
    """A page, as rendered or as written outside a company's folder, without the time of making."""
    stamps = r"Made <time.*?</time>[^<]*?\. |<!-- (made|to the index) -->|<nav.*?</nav>"
    return re.sub(stamps, "", text)
