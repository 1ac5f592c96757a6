"""Square brackets of messages are printed; only our own styles are read as markup."""

import ast
import re
from pathlib import Path

import pytest
from rich.errors import StyleSyntaxError
from rich.markup import escape
from rich.style import Style

from features.errors import BadInput, Refused
from tests.readiness.running import little_folder, readiness

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "models", "training", "serve", "readiness")
PRINTS = ("print", "add_row", "print_table", "report_table", "print_verdict")
IN_BRACKETS = re.compile(r"(?<!\\)\[([a-z/][^\[\]{}]*)\]")


def texts(node: ast.AST) -> list[str]:
    """The fixed parts of the strings in a piece of code; what is computed is a {}."""
    return [
        "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in each.values)
        if isinstance(each, ast.JoinedStr)
        else each.value
        for each in ast.walk(node)
        if isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.Constant) and isinstance(each.value, str))
    ]


def is_style(text: str) -> bool:
    try:
        return text == "/" or bool(Style.parse(text))
    except StyleSyntaxError:
        return False


def messages() -> list[str]:
    """The text of every BadInput and Refused of the source that has square brackets."""
    bracketed = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    name = getattr(node.exc.func, "id", "")
                    if name in ("BadInput", "Refused"):
                        bracketed += [text for text in texts(node.exc) if IN_BRACKETS.search(text)]
    return sorted(set(bracketed))


def test_there_are_such_messages() -> None:
    assert len(messages()) >= 3


@pytest.mark.parametrize("error", [BadInput, Refused])
def test_every_message_with_brackets_is_printed_as_it_is(error, monkeypatch, tmp_path) -> None:
    given = [*messages(), "a [/b] [bold]c[/] [link=x]d[/link] :100: \\[e] f\\"]

    def load(where: Path) -> None:
        raise error("\n".join(given))

    monkeypatch.setattr("features.config.load_each", load)
    folder = little_folder(tmp_path)
    printed = readiness("check", folder).err.replace(f" {folder}", "")  # of commands to paste
    for text in given:
        assert text in printed


def test_what_the_commands_print_in_brackets_is_a_style() -> None:
    """Else it is swallowed: an [audit] in a message must be written as \\[audit]."""
    swallowed = []
    for path in (ROOT / "readiness").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") not in PRINTS:
                continue
            if any(keyword.arg == "markup" for keyword in node.keywords):
                continue
            for text in texts(node):
                swallowed += [
                    (path.name, part)
                    for part in IN_BRACKETS.findall(text)
                    if not is_style(part.removeprefix("/")) and part != "/"
                ]
    assert swallowed == []
    assert escape("[audit]") == "\\[audit]"
