"""What the starter guesses from the words of a name, without looking at any outcome."""

import re

LEAST, MINOR, IMPORTANT, REQUEST = 1, 2, 10, 20  # points
# An action gets the points, and a source the basket, of the first pattern that begins a word of it.
POINTS = (
    ("unsubscrib|opt_?out|complain|spam|cancel|declin|reject", -20),
    ("bounce", -10),
    ("demo|quot|order|trial|submit|call|meeting|appointment", REQUEST),
    ("pric|forms?(?![a-z])|contact|chat|request|proposal|basket|cart|checkout", IMPORTANT),
    ("click|download|webinar|watch|service|product|reference|case", MINOR),
    ("", LEAST),
)
# Actions that may decide a lead: won, lost, or one of them. Nobody buys by a click on a paid ad.
_ADS = "[-_ ]?(?:ad|click|campaign|link|media|search|social)"
WINNING = f"activat|approv|bought|paid(?!{_ADS})|purchas|sign(?!_?(?:up|in|out))|won"
LOSING = "cancel|declin|lost|reject"
DECIDING = f"{WINNING}|{LOSING}|accept(?!\\w*[-_ ]?cookie)|clos"
BASKETS = (
    ("newsletter|social|display|banner|e?mail|facebook|instagram|linkedin|twitter", "passive-2"),
    ("referr|recommend|partner|demo|quot|order|trial|call|meeting|appointment", "active-1"),
    ("direct|pric|forms?(?![a-z])|contact|chat|request|proposal|cart|fair|expo", "active-2"),
    ("", "passive-1"),
)


def begins_word(pattern: str, name: str) -> bool:
    """Whether the pattern begins a word of the name (snake_case, camelCase or prose)."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return re.search(rf"(?<![^\W\d_])(?:{pattern})", words) is not None


def guess_points(action: str) -> int:
    """Points for an action.

    >>> guess_points("visited_pricing"), guess_points("email_opened"), guess_points("unsubscribed")
    (10, 1, -20)
    """
    return next(points for pattern, points in POINTS if begins_word(pattern, action))


def guess_basket(source: str) -> str:
    """A basket for a source.

    >>> guess_basket("Referral"), guess_basket("paid_search"), guess_basket("direct_mail")
    ('active-1', 'passive-1', 'passive-2')
    """
    return next(basket for pattern, basket in BASKETS if begins_word(pattern, source))
