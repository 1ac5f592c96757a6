"""The service under load: single leads scored at a steady rate while the champion changes once.

    python -m benchmarks.serving DEMO --rate 200 --seconds 30    # DEMO has a champion

The server is a process of its own, as `readiness serve` starts it; the load comes from this one, at
fixed times whether or not earlier answers have come (an open loop), so that waiting counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

from features.config import load
from models.registry import Registry

CUTOFF = datetime(2026, 3, 1)


def lead(number: int) -> dict[str, object]:
    """One lead with ten events."""
    begun = CUTOFF - timedelta(days=20)
    actions = ("visited_homepage", "visited_pricing", "email_opened", "form_submitted")
    events = [
        {
            "occurred_at": (begun + timedelta(days=1.7 * i, minutes=number)).isoformat(),
            "action": actions[(number + i) % 4],
        }
        for i in range(10)
    ]
    return {"lead_id": str(number), "created_at": begun.isoformat(), "source": "search"} | {
        "events": events
    }


async def load_it(
    url: str, rate: int, seconds: int, promote: Callable[[], None]
) -> tuple[list[float], Counter[str]]:
    """Times of the answers, in ms, and how many had which status and version; `promote` is called
    half way."""
    times: list[float] = []
    outcomes: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=400)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def one(number: int) -> None:
            begun = time.perf_counter()
            try:
                body = {"leads": [lead(number)], "cutoff": CUTOFF.isoformat()}
                answer = await client.post("/v1/score", json=body)
                outcomes[str(answer.status_code)] += 1
                if answer.status_code == 200:
                    outcomes[f"version {answer.json()['model_version']}"] += 1
            except httpx.HTTPError as error:
                outcomes[type(error).__name__] += 1
            times.append(1e3 * (time.perf_counter() - begun))

        for number in range(20):
            await one(number)  # what is compiled and loaded once
        times.clear()
        outcomes.clear()
        begun, running = time.perf_counter(), []
        for number in range(rate * seconds):
            await asyncio.sleep(max(0, begun + number / rate - time.perf_counter()))
            if number == rate * seconds // 2:
                running.append(asyncio.create_task(asyncio.to_thread(promote)))
            running.append(asyncio.create_task(one(number)))
        await asyncio.gather(*running)
    return times, outcomes


def single_leads(demo: Path, rate: int, seconds: int) -> None:
    """Prints p50 and p99 of single leads at this rate."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = shutil.copytree(demo, Path(scratch) / "demo")
        registry = Registry(load(folder))
        version, _ = registry.run_of("champion")
        registry.files(version)  # from now on MLflow reads this store
        source = registry.client.get_model_version(registry.name, version)
        other = registry.client.create_model_version(  # the same model as another version
            registry.name, source.source, source.run_id
        ).version
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "readiness.main", "serve", str(folder)]
        server = subprocess.Popen([*command, "--port", str(port)])
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(300):
                time.sleep(0.5)
                try:
                    if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
            times, outcomes = asyncio.run(
                load_it(url, rate, seconds, lambda: registry.set_champion(str(other)))
            )
        finally:
            server.terminate()
            server.wait(60)
    p50, p99 = np.percentile(times, [50, 99])
    print(
        f"single leads at {rate}/s for {seconds} s: p50 {p50:.0f} ms, p99 {p99:.0f} ms, "
        f"slowest {max(times):.0f} ms; {dict(outcomes)}; load average {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    given = parser.parse_args()
    single_leads(given.demo, given.rate, given.seconds)
