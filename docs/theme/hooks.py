"""What mkdocs does not do by itself: pages from other folders, links to code, and a diagram."""

import json
import os.path
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")  # of ROOT, on the site next to README
LINK = re.compile(r"\[([^]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def on_config(config: Any) -> None:
    """A pattern in the nav stands for the files of docs/, or notebooks, that it fits."""
    config.nav = [_filled(each) for each in config.nav]


def _filled(entry: dict[str, Any]) -> dict[str, Any]:
    (title, value), *_ = entry.items()
    if isinstance(value, list):
        return {title: [_filled(each) if isinstance(each, dict) else each for each in value]}
    if "*" not in value:
        return entry
    files = sorted({*ROOT.glob(value), *(ROOT / "docs").glob(value)})
    names = [file.relative_to(file.parents[1]).with_suffix(".md").as_posix() for file in files]
    return {title: sorted(names, key=lambda name: not name.endswith("README.md"))}


def on_files(files: Files, config: Any) -> None:
    """Add the pages of ROOT and the notebooks; their links are as seen from docs/."""
    for name in PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        text = LINK.sub(lambda link: f"[{link[1]}](../{link[2]})", text)
        files.append(File.generated(config, name, content=text))
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        text = notebook(json.loads(path.read_text(encoding="utf-8")))
        text = LINK.sub(lambda link: f"[{link[1]}](../{link[2]})", text)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=text))


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
    page = target.removeprefix("docs/").replace(".ipynb", ".md")
    on_site = target in PAGES or target.startswith(("docs/", "notebooks/"))
    if not on_site and (ROOT / target).exists():
        return f"{link[1]} (`{target}`)"
    if path and on_site and (ROOT / target).is_file():
        return f"[{link[1]}]({os.path.relpath(page, folder or '.')}{'#' * bool(anchor)}{anchor})"
    return link[0]


def floors(diagram: str) -> str:
    """docs/architecture.md's flowchart as a table: Mermaid would come from another host."""
    rows: dict[str, list[str]] = defaultdict(list)
    for package, names in re.findall(r"\b([a-z]+)\d+\[\"(.*?)\"\]", diagram):
        rows[package].append(names)
    lines = (f"| {package} | {' → '.join(names)} |" for package, names in rows.items())
    return "\n".join(["| in | its floors, the highest first |", "|---|---|", *lines, ""])


def notebook(content: dict[str, Any]) -> str:
    """A notebook as Markdown, with the outputs that are stored in it."""
    parts = []
    for cell in content["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif source:
            parts += [f"```python\n{source}\n```", *map(_output, cell["outputs"])]
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "image/png" in data:
        picture = "".join(data["image/png"]).replace("\n", "")
        return f'<img alt="what the cell above draws" src="data:image/png;base64,{picture}">'
    if "text/html" in data:
        table = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
        table = re.sub(r"\n\s*", "", table)  # Markdown ends HTML at an empty line
        return f'<div class="output">{table}</div>'
    text = re.sub(r"\x1b\[[0-9;]*m", "", "".join(data["text/plain"]))
    return f"```text\n{text.rstrip()}\n```"
