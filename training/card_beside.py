"""The part of the model card that holds the version against what is simpler, and against a part of
its features."""

from features.config import Config
from models.card import Grid, Section, estimated
from models.simpler import MODEL, Beside
from models.statistics.estimate import UNKNOWN
from training.record import Trained

WORDS = {
    "precision": "won on the list",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
}
CAPTION = (
    "Beside each figure the model minus it, with the 95 % interval of that, paired and clustered "
    "by lead; an interval that holds 0 may be chance. Of log loss lower is better; points are no "
    "probability, so they have none."
)


def baselines(found: Trained) -> Section:
    """What is simpler, fitted on the same training cutoffs, and the verdict on it."""
    return Section(
        "Baselines, on the same test",
        said=[f"The model is the {found.model.way}. {found.simpler.verdict}"],
        grids=[_grid("way to rank", found.simpler.beside)],
    )


def feature_groups(config: Config, found: Trained) -> Section:
    """Deeds against demographics: the same learner on a part of the features."""
    counts = ", ".join(f"{len(names)} {name}" for name, names in found.groups.features.items())
    attributes = ", ".join(config.features.attributes) or "none"
    return Section(
        "Deeds against demographics, on the same test",
        said=[
            "The model fitted again on a part of its features. Explicit is what the table of leads "
            f"tells without watching anyone: the age and the attributes (listed: {attributes}). "
            f"Implicit is all that needs the events. Features: {counts}; those that cannot tell "
            "leads apart are dropped."
        ],
        grids=[_grid("features", found.groups.beside)],
    )


def _grid(first: str, beside: Beside) -> Grid:
    rows = [[name, *(_cell(beside, name, metric) for metric in WORDS)] for name in beside.figures]
    return Grid([first, *WORDS.values()], rows, CAPTION)


def _cell(beside: Beside, name: str, metric: str) -> str:
    point = beside.figures[name][metric].point
    figure = estimated(UNKNOWN._replace(point=point))
    if figure == "-" or name == MODEL:
        return figure
    less, low, high = difference = beside.difference[name][metric]
    if not difference.known:  # too few wins for an interval
        return f"{figure} ({less:+.3f})"
    return f"{figure} ({less:+.3f}; {low:+.3f} to {high:+.3f})"
