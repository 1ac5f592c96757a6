"""What the leads of the simulated world do: how often, which actions, by which channels."""

import numpy as np

from features.simulator.world import ATTRIBUTES, SOURCES, cumulated

# Sessions per day by intent (quiet ... postponed), times the activity of the lead.
SESSIONS = np.array([0.025, 0.18, 0.50, 0.75, 0.07])
WEEKEND_SESSIONS = 0.4
EVENTS_PER_SESSION = 2.5
OWL_SHIFT = 11  # hours by which night owls are later than the others
LATE, LATE_HOURS = 0.03, 14  # share of events recorded late, and the mean delay

# Actions: their weights by intent (quiet ... postponed), and the contents that they open.
ACTIONS: dict[str, tuple[tuple[float, ...], tuple[str, ...]]] = {
    "email_opened": ((38, 18, 11, 9, 30), ("newsletter", "product_news", "case_story", "offer")),
    "email_clicked": ((10, 9, 7, 6, 10), ("product_news", "case_story", "offer")),
    "visited_homepage": ((18, 20, 14, 13, 16), ("/",)),
    "visited_blog": ((17, 22, 12, 5, 8), ("/blog/trends", "/blog/how_to", "/blog/mistakes")),
    "visited_service_page": ((7, 14, 19, 15, 13), ("/service/a", "/service/b", "/service/c")),
    "visited_pricing": ((1.2, 3, 11, 17, 8), ("/pricing",)),
    "downloaded_whitepaper": ((1.5, 4, 6, 3, 2), ("guide", "benchmark", "checklist")),
    "watched_webinar": ((1, 2.5, 4, 2, 2), ("introduction", "deep_dive")),
    "read_reference": ((0.6, 1.5, 6, 9, 3), ("/reference/mill", "/reference/clinic")),
    "chat_started": ((0.3, 0.8, 2.5, 5, 1.5), ("chat",)),
    "form_begun": ((0.7, 1.5, 4, 8, 2), ("contact_form", "quote_form")),
    "form_submitted": ((0.3, 0.6, 2.2, 6, 1), ("contact_form", "quote_form")),
    "opened_quote": ((0.1, 0.2, 1.2, 8, 3), ("quote",)),
    "called_in": ((0.1, 0.2, 1, 4, 1), ()),
    "unsubscribed": ((3, 0.5, 0.3, 0.1, 0.4), ()),
}
CONTENTS = tuple(dict.fromkeys(name for _, names in ACTIONS.values() for name in names))
# Half of the sessions come by the lead's own source, the rest by any of these.
CHANNELS = (*SOURCES, "direct")
OWN_SOURCE, CHANNEL_WEIGHTS = 0.5, [1, 2, 1, 30, 8, 15, 8, 35]
TEXTS = {
    "source": CHANNELS,
    "action": tuple(ACTIONS),
    "content": CONTENTS,
    "outcome": ("won", "lost"),
    "by": ("rep-1", "rep-2", "rep-3", "rep-4", "rep-5", "rep-6"),
    **{name: tuple(values) for name, values in ATTRIBUTES.items()},
}
CHANNEL_SHARES = cumulated(CHANNEL_WEIGHTS)
ACTION_SHARES = cumulated(np.transpose([weights for weights, _ in ACTIONS.values()]))
# (action, place): the code of a content; each row repeats the contents of its action.
CONTENT_CODES = np.array(
    [
        np.resize([CONTENTS.index(name) for name in names] or [-1], 12)
        for _, names in ACTIONS.values()
    ],
    dtype=np.int8,
)
QUOTE = tuple(ACTIONS).index("opened_quote")
