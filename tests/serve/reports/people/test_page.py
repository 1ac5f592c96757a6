"""The section of an account's people, as HTML."""

from datetime import datetime

from serve.reports.page import environment
from serve.reports.people.figures import AccountPeople, Person

HOSTILE = '<i>"/../&'
DAY = datetime(2026, 3, 2)


def person(lead: str, points: float | None, title: str | None = None) -> Person:
    did = {"reading": 1_234}
    of_list = {"readiness": None, "points": points, "route": "sales"}
    return Person(lead, DAY, title, None, None, None, None, "", did, DAY, "visited", **of_list)


def section(*people: Person, count: int, links: bool) -> str:
    account = AccountPeople(HOSTILE, DAY, count, HOSTILE, DAY, people)
    template = environment().get_template("people/people.html")
    return str(template.module.people_of_account(account, "own", str, links=links))


def test_people_on_the_list_link_to_their_pages_in_the_service_alone() -> None:
    people = person("own", 5.0), person(HOSTILE, 5.0), person("closed", None)
    served = section(*people, count=3, links=True)
    assert served.count("<a href=") == 1
    assert '<a href="/leads/%3Ci%3E%22%2F..%2F%26">' in served
    assert "<a href=" not in section(*people, count=3, links=False)


def test_all_text_is_escaped_and_the_others_are_counted() -> None:
    text = section(person(HOSTILE, None, title=HOSTILE), count=1_022, links=False)
    assert "<i>" not in text
    assert text.count("&lt;i&gt;&#34;/../&amp;") == 4
    assert "1,021 more" in text
    assert "1,234" in text
