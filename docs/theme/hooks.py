"""What mkdocs does not do by itself: pages from the folder above, links to code, and the diagram."""

import os.path
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")  # of ROOT, on the site as docs/<name>
LINK = re.compile(r"\[([^]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def on_files(files: Files, config: Any) -> None:
    """Add the pages of ROOT; their links are as seen from docs/."""
    for name in PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        text = LINK.sub(lambda link: f"[{link[1]}](../{link[2]})", text)
        files.append(File.generated(config, name, content=text))


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links out of docs/ lead to the page on the site, or name the file; diagrams become tables."""
    folder = os.path.dirname(page.file.src_uri)
    markdown = re.sub(
        r"```mermaid\n(.*?)```\n", lambda it: floors(it[1]), markdown, flags=re.DOTALL
    )
    return LINK.sub(lambda link: _link(folder, link), markdown)


def _link(folder: str, link: re.Match[str]) -> str:
    path, _, anchor = link[2].partition("#")
    target = os.path.normpath(os.path.join("docs", folder, path))
    inside = target.removeprefix("docs/")
    if target in PAGES or (inside != target and link[2].startswith("../docs/")):
        return f"[{link[1]}]({os.path.relpath(inside, folder or '.')}{'#' * bool(anchor)}{anchor})"
    if inside == target and (ROOT / target).exists():
        return f"{link[1]} (`{target}`)"
    return link[0]


def floors(diagram: str) -> str:
    """docs/architecture.md's flowchart as a table: Mermaid would come from another host."""
    rows: dict[str, list[str]] = defaultdict(list)
    for package, names in re.findall(r"\b([a-z]+)\d+\[\"(.*?)\"\]", diagram):
        rows[package].append(names)
    lines = (f"| {package} | {' → '.join(names)} |" for package, names in rows.items())
    return "\n".join(["| in | its floors, the highest first |", "|---|---|", *lines, ""])
