"""No character of the data reaches a terminal that moves its cursor, colours or reorders a line."""

import contextlib
import io
import json
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st
from rich.markup import escape

from readiness.commands.printing import (
    print_json,
    print_notes,
    print_path,
    print_table,
    print_verdict,
)

BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
NASTY = "\x1b\x07\r\b\t\v\x7f\x85\x9b\u2028\u2029\ud800\udcff" + "".join(BIDI)
ANYTHING = st.text(
    st.characters() | st.sampled_from(NASTY + "[]/\\b")
)  # of any code, surrogates too


def printed(print_something, *given_to_it):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        print_something(*given_to_it)
    return out.getvalue() + err.getvalue()


def raw(text):
    """The characters that a terminal would obey or that no terminal takes."""
    kinds = ("Cc", "Cs", "Zl", "Zp")
    return {c for c in text if unicodedata.category(c) in kinds or c in BIDI} - {"\n"}


@given(ANYTHING)
@example(NASTY)
@example("\x1b[31mred\x1b]0;title\x07 \x9b2J \u202egnp.exe")
def test_what_is_printed_of_any_text(text):
    table = (escape(text), ["lead", ">points"], [(escape(text), "1")], escape(text))
    calls = [
        (print_path, text),
        (print_notes, [text]),
        (print_verdict, text),
        (print_table, *table),
    ]
    for call in calls:
        assert not raw(printed(*call))


@given(ANYTHING)
@example(NASTY)
def test_json_is_ascii_and_loses_nothing(text):
    line = printed(print_json, {"lead": text})
    assert line.isascii()
    assert not raw(line)
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(line) == {"lead": paired}


def test_they_are_shown_by_their_codes():
    line = printed(print_path, "a\x1b[31mb\x9bc\u202ed\udcff")
    assert line == "a\\x1b[31mb\\x9bc\\u202ed\\udcff\n"
