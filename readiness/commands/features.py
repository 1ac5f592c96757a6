"""The verb features."""

from pathlib import Path

from rich.markup import escape

from features.spec.wording import plural
from readiness.commands.options import AsJson, Question, Where
from readiness.commands.printing import out, print_json, print_table


def verb(where: Where = Path(), question: Question = None, as_json: AsJson = False) -> None:
    """List every feature that is computed, with its meaning in words."""
    from features.catalog import describe_features
    from features.open_database import open_database
    from readiness.settings import load

    config = load(where, question=question)
    with open_database(config) as database:
        described = describe_features(database, config)
    if as_json:
        print_json({"features": described})
        return
    rows = [(escape(feature["name"]), escape(feature["meaning"])) for feature in described]
    print_table(None, ["feature", "meaning"], rows)
    out.print(
        f"{plural(len(described), 'feature')}. Adding one is one line in features/catalog.py."
    )
