"""A card reads the same as JSON, and nothing in the data breaks its Markdown."""

import json

from features.result_json import to_json
from models.card import Card, Grid, Section
from models.statistics.verdict import Verdict

CARD = Card(
    version="3",
    run_id="abc",
    verdict=Verdict("No clear winner", "it may be chance."),
    sections=[
        Section(
            "Figures", paragraphs=["Two."], grids=[Grid(["what", "n"], [["a|b", "1"]], "Cap.")]
        ),
        Section("Limits", listed=["one", "<script>two"], facts={"Seed": "7"}, picture="gain"),
    ],
)  # fmt: skip


def test_the_markdown_of_the_example():
    assert CARD.markdown() == (
        "# Model card, version 3\n\n"
        "No clear winner: it may be chance.\n\n"
        "## Figures\n\nTwo.\n\n"
        "| what | n |\n| --- | ---: |\n| a\\|b | 1 |\n\nCap.\n\n"
        "## Limits\n\n- one\n- &lt;script>two\n\n- **Seed**: 7\n\n"
        "![Limits](plots/gain.png)\n"
    )


def test_there_and_back_through_json():
    again = Card.from_stored(json.loads(json.dumps(CARD.stored())))
    assert again.stored() == CARD.stored()
    assert to_json(again)["verdict"] == "No clear winner: it may be chance."
    assert again.markdown() == CARD.markdown()


def test_a_card_stored_with_its_verdict_as_one_text_is_read():
    old = Card.from_stored(CARD.stored() | {"verdict": str(CARD.verdict)})
    assert old.markdown() == CARD.markdown()
