"""The worlds that `readiness simulate --mode` makes: leads with one deal each, customers who buy
again, accounts that log in, one flat table without events, and people who buy together."""

from collections.abc import Callable
from typing import Literal

from features.simulator.accounts import buying_groups
from features.simulator.flat import flat_table
from features.simulator.repeat import repeat_purchases
from features.simulator.simulate import World, simulate
from features.simulator.simulated import Simulated
from features.simulator.usage import product_usage

Mode = Literal["leads", "repeat", "usage", "flat", "accounts"]
WORLDS: dict[Mode, Callable[..., World | Simulated]] = {
    "leads": simulate,
    "repeat": repeat_purchases,
    "usage": product_usage,
    "flat": flat_table,
    "accounts": buying_groups,
}
