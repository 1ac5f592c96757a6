"""The file of a lead's page, whatever the lead is called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from serve.reports.explain.page import page_name

HOSTILE = ["../../etc/passwd", "a/b", "a\\b", "..", "", "x" * 500, "é", "A", "a b\n", "CON", "\0"]


@given(lead=st.one_of(st.sampled_from(HOSTILE), st.text()))
def test_a_page_stays_in_its_folder_whatever_the_lead_is_called(lead: str) -> None:
    assert re.fullmatch(r"explain-[0-9A-Za-z_-]{1,60}\.html", page_name(lead))


def test_each_lead_has_a_page_of_its_own() -> None:
    names = [*HOSTILE, "a", "b", "ab", "a-b", "é" * 2, "x" * 499, "con"]
    assert len({page_name(name).lower() for name in names}) == len(names)
