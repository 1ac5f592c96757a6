"""A card reads the same as JSON, and nothing in the data breaks its Markdown."""

import json

from models.card import Card, Grid, Section

CARD = Card(
    version="3",
    run_id="abc",
    verdict="No clear winner: it may be chance.",
    sections=[
        Section("Figures", said=["Two."], grids=[Grid(["what", "n"], [["a|b", "1"]], "Cap.")]),
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
    again = Card.from_dict(json.loads(json.dumps(CARD.to_dict())))
    assert json.dumps(again.to_dict()) == json.dumps(CARD.to_dict())
    assert again.markdown() == CARD.markdown()
