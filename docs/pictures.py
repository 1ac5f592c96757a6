"""Takes the pictures of docs/pages.md in Chromium, into docs/pictures.

    make pictures        # or: .venv/bin/python docs/pictures.py [DIR]

Simulates the company of `make demo` in DIR/demo (a temporary folder), trains, promotes, makes five
lists, runs the verbs that write pages, serves them, and takes a picture of each. Where DIR/demo has
been trained already, that is used. The clock stands at the night after the last event, so that the
same code makes the same pictures on any day. Needs Chromium (apt-get install chromium).
"""

import io
import shutil
import socket
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import features.cutoffs

NIGHT = datetime(2025, 6, 24, 0, 30)
features.cutoffs.utc_now = lambda: NIGHT  # before anything else imports it

from features.config import load  # noqa: E402
from readiness.main import app  # noqa: E402
from serve.app.application import create_app  # noqa: E402

PICTURES = Path(__file__).parent / "pictures"
TRAINING = ("simulate {} --leads 12000", "init {}", "train {}", "promote {} --by operations")
# The first two are mature by NIGHT, so that the monitor can judge them.
LISTS = ("2025-04-21", "2025-05-21", "2025-06-10", "2025-06-17", "2025-06-24")
VERBS = (
    *(f"score {{}} --cutoff {day}" for day in LISTS),
    "compare {}",
    "funnel {}",
    "sources {}",
    "segments {}",
    "feedback {}",
    "effect {}",
    "rules learn {} --force",
    "monitor {}",
    "card {}",
    "history {}",
)
PAGES = {  # by the picture's name: the address in the service, and how much of the page is shown
    "first-page": ("/", 900),
    "leads": ("/leads", 900),
    "compare": ("/pages/compare.html", 1500),
    "points": ("/points", 1100),
    "funnel": ("/pages/funnel.html", 1100),
    "sources": ("/pages/sources.html", 1000),
    "segments": ("/pages/segments.html", 900),
    "feedback": ("/pages/feedback.html", 900),
    "effect": ("/pages/effect.html", 900),
    "monitor": ("/pages/monitor.html", 1000),
    "card": ("/pages/card.html", 1000),
    "history": ("/pages/history.html", 800),
}
WIDTH = 1280
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


def make(folder: Path) -> None:
    """The company and its pages. A check that is red (monitor) is a result, no failure."""
    steps = VERBS if (folder / "out" / "mlflow.db").exists() else (*TRAINING, *VERBS)
    for step in steps:
        print("readiness", step.replace("{}", folder.name), flush=True)
        words = [word.replace("{}", str(folder)) for word in step.split()]
        code = app(words, standalone_mode=False)
        if code not in (None, 0) and step.split()[0] not in ("monitor", "promote"):
            raise SystemExit(f"{step}: exit code {code}")


def served(folder: Path) -> tuple[str, uvicorn.Server]:
    """The address of a running service, and how to end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(load(folder)), port=port, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}", server


def take(tab: Page, address: str, name: str, height: int) -> None:
    """A picture of the first `height` pixels of a page, in 256 colours: text stays sharp."""
    tab.goto(address)
    tab.wait_for_load_state("networkidle")
    tab.set_viewport_size({"width": WIDTH, "height": height})
    tab.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    path = PICTURES / f"{name}.png"
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.name, f"{path.stat().st_size:,} bytes", flush=True)


def main() -> None:
    """Make the company, and take every picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("no Chromium: apt-get install chromium")
    temporary = tempfile.mkdtemp(prefix="pictures-") if len(sys.argv) < 2 else None
    folder = Path(temporary or sys.argv[1]) / "demo"
    make(folder)
    address, server = served(folder)
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=QUIET.split())
        tab = browser.new_context(color_scheme="light", locale="en-GB").new_page()
        tab.set_default_timeout(300_000)  # the first card reads the lead database
        tab.goto(f"{address}/leads")
        lead = tab.locator("tbody th a").first.get_attribute("href")
        for name, (path, height) in {**PAGES, "lead": (lead, 1400)}.items():
            take(tab, f"{address}{path}", name, height)
        browser.close()
    server.should_exit = True
    if temporary:
        shutil.rmtree(temporary)


if __name__ == "__main__":
    main()
