"""The verb features."""

from pathlib import Path

from rich.markup import escape

from features.spec.wording import plural
from readiness.commands.options import AsJson, Question, Where
from readiness.commands.printing import out, print_json, print_table


def verb(where: Where = Path(), question: Question = None, as_json: AsJson = False) -> None:
    """List every feature that is computed, with its meaning in words.

    Each is measured at a cutoff, from what was known strictly before it. "In the last 7 days" is
    from exactly 7 times 24 hours before the cutoff on, "so far" all time before it; days since are
    fractions of 24 hours. Days, nights and weekends are in UTC. A session begins with an event that
    has no other in the 30 minutes up to it; events at one instant count as one. An event that fades
    by half every 14 days counts 0.5 ^ (days since / 14), one that fades out evenly over 30 days
    1 - days since / 30. Counts and sums are 0 where nothing was done, shares and days since are
    unknown. Of several sources at one instant the first is the alphabetically first, the last the
    alphabetically last; so for actions.
    """
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
