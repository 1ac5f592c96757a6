"""The service under load: single leads scored at a steady rate while the champion changes once, and
the list over a million leads.

    python -m benchmarks.serving single DEMO --rate 200 --seconds 30    # DEMO has a champion
    python -m benchmarks.serving list --leads 1000000

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
import pandas as pd

from features.config import load
from models.decisions.place import LedgerPlace
from models.registry import Registry
from models.routing import Router
from serve.app.lead_list import LeadFilter, lead_page
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run

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


def list_page(leads: int) -> None:
    """Prints how long a page of the list takes over so many leads."""
    with tempfile.TemporaryDirectory() as scratch:
        place = LedgerPlace(Path(scratch))
        rng = np.random.default_rng(7)
        readiness = rng.beta(1, 12, leads)
        rows = pd.DataFrame(
            {
                "lead_id": np.arange(leads).astype(str),
                "state": "scored",
                "readiness": readiness,
                "rule_score": rng.integers(0, 200, leads).astype(float),
                "band": rng.choice(["cold", "warm", "hot"], leads, p=[0.8, 0.15, 0.05]),
                "reasons": "last activity 4 days ago (+0.96); visited pricing twice (+0.73)",
                "source": rng.choice(["ads", "fair", "search"], leads),
                "basket": rng.choice(["active-1", "passive-2"], leads),
                "segments": rng.choice([None, "came back; read up"], leads),
            }
        )
        with open_ledger(place) as ledger:
            run = Run(CUTOFF, "1", "r")
            ledger.write(run, [rows], leads, Router(leads // 10, CUTOFF), CUTOFF)
        with open_ledger(place) as ledger:
            for name, which, sort in (
                ("first page", LeadFilter(), "list"),
                ("filtered by band and source", LeadFilter(band="hot", source="ads"), "list"),
                (
                    "filtered by segment, sorted by points",
                    LeadFilter(segment="read up"),
                    "rule_score",
                ),
                ("text", LeadFilter(text="pricing"), "readiness"),
            ):
                times = []
                for _ in range(7):
                    begun = time.perf_counter()
                    page = lead_page(ledger, run, which, sort, descending=True)
                    times.append(1e3 * (time.perf_counter() - begun))
                print(
                    f"list of {leads:,} leads, {name}: {np.median(times):.0f} ms (slowest "
                    f"{max(times):.0f}), {page.total:,} of them; load average "
                    f"{os.getloadavg()[0]:.1f}"
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    single = kinds.add_parser("single")
    single.add_argument("demo", type=Path)
    single.add_argument("--rate", type=int, default=200)
    single.add_argument("--seconds", type=int, default=30)
    kinds.add_parser("list").add_argument("--leads", type=int, default=1_000_000)
    given = parser.parse_args()
    if given.kind == "single":
        single_leads(given.demo, given.rate, given.seconds)
    else:
        list_page(given.leads)
