"""`readiness card`: what was measured of a version, as it was written at its training."""

import json
from pathlib import Path

from features.config import Config
from features.errors import BadInput
from features.whole_file import write_whole
from models.card import Card
from models.registry import Registry
from serve.reports import page


def find_card(config: Config, which: str) -> tuple[Card, dict[str, str]]:
    """The card of an alias or version, and its pictures by name, as svg elements.

    Raises BadInput where there is no such version, or it has no card.
    """
    registry = Registry(config)
    version, run_id = registry.run_of(which)
    text = registry.text(run_id, "card.json")
    if text is None:
        raise BadInput(
            f"Version {version} has no model card: it was trained before there were cards, or its "
            "run was removed from MLflow. Train again to get one."
        )
    card = Card.from_stored(json.loads(text))
    names = {section.picture for section in card.sections if section.picture}
    svgs = {name: registry.text(run_id, f"plots/{name}.svg") for name in names}
    return card, {name: svg for name, svg in svgs.items() if svg is not None}


def write_card(card: Card, pictures: dict[str, str], path: Path) -> Path:
    """Write the page to `path` and, beside it, the card as .md, whole or not at all; return the
    page's path. Makes their folder."""
    write_whole(path.with_suffix(".md"), card.markdown())
    return page.write_page(path, render(card, pictures))


def render(card: Card, pictures: dict[str, str]) -> str:
    """The page as text; the same card gives the same page."""
    svgs = {name: page.recoloured(svg) for name, svg in pictures.items()}
    return page.render("card/page.html", card=card, verdict=card.verdict, pictures=svgs)
