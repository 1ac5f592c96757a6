"""What every page shares."""

from markupsafe import Markup

from serve.reports import page


def test_no_page_shows_a_secret_and_what_is_html_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PAGES", tmp_path)
    (tmp_path / "page.html").write_text("<p>{{ uri }}</p>{{ svg }}{{ number }}%")
    text = page.render(
        "page.html",
        uri="postgresql://anna:c4n4ry@db?password='a b'&x=<1>",
        svg=Markup("<svg/>"),
        number=7,
    )
    assert text == "<p>postgresql://anna:***@db?password=***&amp;x=&lt;1&gt;</p><svg/>7%"


def test_nor_the_json_beside_it(tmp_path):
    page.write_page(tmp_path / "a.html", "", {"uri": "mysql://anna:c4n4ry@db"})
    assert (tmp_path / "a.json").read_text() == '{\n  "uri": "mysql://anna:***@db"\n}'
