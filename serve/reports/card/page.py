"""`readiness card`: what was measured of a version, as it was written at its training."""

import json
from pathlib import Path

from features.config import Config
from features.errors import BadInput
from features.whole_file import write_whole
from models.card import Card
from models.decisions.champion_changes import ChampionChange, changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions
from models.registry import CHALLENGER, CHAMPION, Registry
from serve.reports import page


def find_card(config: Config, which: str) -> tuple[Card, dict[str, str], dict[str, str]]:
    """The card of an alias or version, its pictures by name, as svg elements, and its standing.

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
    known = {name: svg for name, svg in svgs.items() if svg is not None}
    return card, known, _standing(config, registry, version)


def _standing(config: Config, registry: Registry, version: str) -> dict[str, str]:
    """Status and owner of a version now, which its card, written at the training, cannot know. The
    owner is who answered for it last, by setting it as champion."""
    changes: list[ChampionChange] = []
    place = LedgerPlace.of(config)
    if place.has_decisions:
        with open_decisions(place) as store:
            changes = [each for each in changes_at(store, "done") if each.new_version == version]
    owner = changes[-1].approved_by if changes else "nobody yet: it was never set as champion"
    if registry.find(CHAMPION) == version:
        since = f" since {changes[-1].decided_at[:10]}" if changes else ""
        return {"Status": f"champion{since}", "Owner": owner}
    status = "challenger" if registry.find(CHALLENGER) == version else "registered"
    return {"Status": f"{status}, not champion", "Owner": owner}


def write_card(card: Card, pictures: dict[str, str], standing: dict[str, str], path: Path) -> Path:
    """Write the page to `path` and, beside it, the card as .md, whole or not at all; return the
    page's path. Makes their folder."""
    write_whole(path.with_suffix(".md"), card.markdown())
    return page.write_page(path, render(card, pictures, standing))


def render(card: Card, pictures: dict[str, str], standing: dict[str, str]) -> str:
    """The page as text; the same card gives the same page."""
    svgs = {name: page.recoloured(svg) for name, svg in pictures.items()}
    return page.render(
        "card/page.html", card=card, verdict=card.verdict, pictures=svgs, standing=standing
    )
