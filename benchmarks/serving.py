"""The service under load: single leads scored at a steady rate while the champion changes once.

    python -m benchmarks.serving DEMO --rate 200 --seconds 30    # DEMO has a champion

The server is a process of its own, as `readiness serve` starts it; the load comes from this one, at
fixed times whether or not earlier answers have come (an open loop), so that waiting counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
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
PROMOTION = """
import sys, pathlib
from features.config import load
from models.registry import Registry
Registry(load(pathlib.Path(sys.argv[1]))).set_champion(sys.argv[2])
"""


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


class Client:
    """Posts to /v1/score over connections that are kept open. A client library would take much of
    the cores that the server needs."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        idle = self._idle.pop() if self._idle else None
        reader, writer = idle or await asyncio.open_connection("127.0.0.1", self.port)
        head = f"POST /v1/score HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(line for line in lines if line.startswith("content-length:"))
        answer = await reader.readexactly(int(length.partition(":")[2]))
        self._idle.append((reader, writer))
        return int(lines[0].split()[1]), answer


async def load_it(
    port: int, rate: int, seconds: int, promote: Callable[[], None]
) -> tuple[list[float], Counter[str]]:
    """Times from when each was due to its answer, in ms, and how many had which status and version;
    `promote` is called after a quarter of it."""
    times: list[float] = []
    outcomes: Counter[str] = Counter()
    bodies = [
        json.dumps({"leads": [lead(number)], "cutoff": CUTOFF.isoformat()}).encode()
        for number in range(rate * seconds)
    ]
    client = Client(port)

    async def one(number: int, due: float) -> None:
        try:
            status, answer = await client.post(bodies[number])
            outcomes[str(status)] += 1
            if status == 200:
                outcomes[f"version {json.loads(answer)['model_version']}"] += 1
        except (OSError, EOFError) as error:
            outcomes[type(error).__name__] += 1
        times.append(1e3 * (time.perf_counter() - due))

    for number in range(20):
        await one(number, time.perf_counter())  # what is compiled and loaded once
    times.clear()
    outcomes.clear()
    begun, running = time.perf_counter(), []
    for number in range(rate * seconds):
        due = begun + number / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        if number == rate * seconds // 4:
            promote()
        running.append(asyncio.create_task(one(number, due)))
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
        started: list[subprocess.Popen[bytes]] = []
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
            # by a process of its own, as `readiness promote` is one
            promotion = [sys.executable, "-c", PROMOTION, str(folder), str(other)]
            times, outcomes = asyncio.run(
                load_it(port, rate, seconds, lambda: started.append(subprocess.Popen(promotion)))
            )
        finally:
            server.terminate()
            for process in (server, *started):
                process.wait(60)
    p50, p99 = np.percentile(times, [50, 99])
    before = np.percentile(times[: len(times) // 4], 99)
    print(
        f"single leads at {rate}/s for {seconds} s: p50 {p50:.0f} ms, p99 {p99:.0f} ms "
        f"({before:.0f} ms before somebody promotes), slowest {max(times):.0f} ms; "
        f"{dict(outcomes)}; load average {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    given = parser.parse_args()
    single_leads(given.demo, given.rate, given.seconds)
