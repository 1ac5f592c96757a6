"""The page of a card holds the whole of it, needs nothing from elsewhere, and takes no name of the
data for markup."""

import html
import re

import pytest

from features.config import load
from features.errors import BadInput
from models.registry import Registry
from serve.reports.card.page import find_card, render, write_card
from tests.features.lead_databases import config_for
from tests.models.small_model import fitted, training
from tests.models.test_card import CARD
from tests.serve.reports.stamps import unstamped


@pytest.fixture(scope="module")
def result(demo_folder, trained):
    return find_card(load(demo_folder), "champion")


def test_every_word_of_the_card_is_on_the_page(result):
    card, pictures, standing = result
    shown = render(card, pictures, standing)
    text = html.unescape(re.sub(r"<[^>]+>", " ", shown)).replace("\u00a0", " ")
    flowing = " ".join(text.split())
    for section in card.sections:
        message = [section.title, *section.paragraphs, *section.listed, *section.facts.values()]
        cells = [cell for grid in section.grids for row in grid.rows for cell in row]
        for words in (*message, *cells):
            parts = [words] if words in flowing else re.split(r" \(|\)(?:; )?", words)
            assert [part for part in parts if part not in flowing] == []
    assert re.search("<small>[^<]*[()]", shown) is None


def test_the_page_is_whole_by_itself(result):
    page = render(*result)
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert page.count("<svg") == 3  # gain, calibration, importance
    assert "var(--model)" in page[page.index("<svg") :]  # in the colours of light and dark mode
    assert render(*result) == page


def test_what_it_is_for_who_answers_for_it_and_what_it_is_not_for_come_first(result):
    card, pictures, standing = result
    page = render(card, pictures, standing)
    order = ["Status", "Owner", "Purpose", "Training period"]
    assert re.findall("<dt>(.*?)</dt>", page)[:4] == order
    assert standing["Status"].startswith("champion")
    assert re.findall("<h2.*?>(.*?)</h2>", page)[:2] == [each.title for each in card.sections[:2]]
    assert "not for" in card.sections[1].title
    assert "days_since(" not in page


def test_names_of_the_data_are_text():
    page = render(CARD, {}, {})
    assert "&lt;script&gt;two" in page
    assert "<svg" not in page  # a picture that was not kept is left out


def test_page_and_markdown_are_written(tmp_path):
    page = write_card(CARD, {}, {}, tmp_path / "new" / "card.html")
    assert unstamped(page.read_text("utf-8")) == unstamped(render(CARD, {}, {}))
    assert page.with_suffix(".md").read_text("utf-8") == CARD.markdown()


def test_a_version_without_a_card_or_none_at_all_is_bad_input(tmp_path):
    config = config_for(tmp_path)
    with pytest.raises(BadInput, match="There is no champion of the model"):
        find_card(config, "champion")
    Registry(config).log(training(fitted(300)))
    with pytest.raises(BadInput, match="Version 1 has no model card: it was trained before"):
        find_card(config, "challenger")
