"""What every page shares."""

import re
from pathlib import Path

from markupsafe import Markup, escape

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


def test_cells_get_the_heads_of_their_columns() -> None:
    rows = Markup(
        '<tr><th scope="row">a</th><td>1</td><td class="x">2</td></tr>\n<tr><td>3</td></tr>'
    )
    heads = ["Name", Markup('Of <b>"all"</b><sup>c</sup>'), ("Won", "model")]
    assert page.labelled(rows, heads) == (
        '<tr><th scope="row">a</th><td data-label="Of &#34;all&#34;">1</td>'
        '<td data-label="Won" class="x">2</td></tr>\n<tr><td data-label="Name">3</td></tr>'
    )


def test_pages_are_stamped_and_the_index_links_them(tmp_path: Path) -> None:
    out = tmp_path / "a&b" / "out"
    out.mkdir(parents=True)
    (out.parent / "readiness.toml").touch()
    for name, headline in (("one", "b < c"), ("explain-7", "second")):
        text = page.render("index.html", company="x", reports=[], cards=[])
        verdict = f'<p class="verdict"><strong>{escape(headline)}</strong></p>'
        text = re.sub('<p class="verdict">.*</p>', verdict, text)
        written = page.write_page(out / f"{name}.html", text).read_text()
        assert "for a&amp;b" in written
        assert 'href="index.html"' in written
    index = (out / "index.html").read_text()
    assert "b &lt; c" in index
    assert re.findall('href="([^"]+)"', index) == ["one.html", "explain-7.html"]
    assert [each.finding for each in page.pages_in(out)] == ["second", "b < c"]


def test_somebody_s_own_index_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "readiness.toml").touch()
    (tmp_path / "index.html").write_text("mine")
    text = page.write_page(tmp_path / "a.html", "<!-- made --><!-- to the index -->").read_text()
    assert (tmp_path / "index.html").read_text() == "mine"
    assert "href" not in text


def test_many_sections_begin_with_links_to_their_headings() -> None:
    titles = ["Whom did sales call?", "Lists of &lt;90&gt; leads", "Won", "Lost", "Words", "Days"]
    sections = Markup("".join(f"<section>\n<h2>{title}</h2></section>" for title in titles))
    result = page.with_contents(sections)
    links = re.findall('<a href="#(.*?)">(.*?)</a>', result)
    assert [title for _, title in links] == titles
    assert links == re.findall('<h2 id="(.*?)">(.*?)</h2>', result)
    few = Markup(sections.replace("<h2>Days</h2>", ""))
    assert page.with_contents(few) == few
