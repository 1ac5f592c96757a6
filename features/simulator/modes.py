"""The worlds that `readiness simulate --mode` makes: leads with one deal each, customers who buy
again, accounts that log in, and one flat table without events."""

from collections.abc import Callable
from typing import Literal

from features.simulator.flat import flat_table
from features.simulator.repeat import repeat_purchases
from features.simulator.simulate import World, simulate
from features.simulator.simulated import Simulated
from features.simulator.usage import product_usage

Mode = Literal["leads", "repeat", "usage", "flat"]
WORLDS: dict[Mode, Callable[..., World | Simulated]] = {
    "leads": simulate,
    "repeat": repeat_purchases,
    "usage": product_usage,
    "flat": flat_table,
}
