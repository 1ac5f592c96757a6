"""What the figures by group say, for the page, the card and the terminal alike."""

from collections.abc import Iterator

from features.spec.wording import percent, plural
from models.fairness.figures import Fairness, GroupOnList, LeadGroup

COLUMNS = ("on the list", "to the largest", "won of the list", "won, not on the list")
CAPTION = (
    "On the list: the part of the group that a list takes (selection rate). To the "
    "largest: that part, divided by the one of the largest group. Won of the list: precision. Won, "
    "not on the list: of those won, the part that no list held (false negative rate). Beside "
    "each figure its 95% interval, which allows for being open at several cutoffs; a "
    "warning is sure at 95% for all groups and figures of a list together."
)


def warnings(fairness: Fairness, unit: str = "lead") -> list[str]:
    """A sentence for all that surely differs, the model's list first. unit: what is listed."""
    return [
        f"{ranker.capitalize()}: {sentence}"
        for ranker in fairness.rankers
        for group in fairness.groups
        for sentence in _warnings(group, group.lists[ranker], unit)
    ]


def _warnings(group: LeadGroup, shown: GroupOnList, unit: str) -> Iterator[str]:
    name, largest = (f"{group.column} {each}" for each in (group.name, group.largest))
    times = "{:.2f} ({:.2f} to {:.2f})".format(*shown.ratio)
    if shown.selected == "less":
        yield (
            f"{unit}s of {name} are listed {times} times as often as those of {largest}, the "
            "largest group: less than four fifths."
        )
    elif shown.selected == "more":
        yield (
            f"{unit}s of {name} are listed {times} times as often as those of {largest}, the "
            "largest group, which is listed less than four fifths as often."
        )
    if shown.misses != "not clear":
        of_largest = percent(shown.missed.point - shown.missed_difference.point)
        yield (
            f"of the won {unit}s of {name} {percent(shown.missed.point)} are not on the list, of "
            f"those of {largest} {of_largest}: {shown.misses} are missed, beyond chance."
        )


def summary(fairness: Fairness, unit: str = "lead") -> str:
    """How many groups have too little for an interval, and whether anything surely differs."""
    few = sum(bool(group.too_few) for group in fairness.groups)
    groups = plural(len(fairness.groups), "group")
    unsure = f"{few} of {groups} have too few {unit}s or wins for some intervals. " if few else ""
    sure = "surely differs from the largest group of its column"
    return f"{unsure}{f'What {sure}:' if warnings(fairness, unit) else f'Nothing {sure}.'}"


def without_interval(fairness: Fairness) -> str:
    """Which groups have figures without an interval, and why; "" where all have them."""
    return "; ".join(
        f"{group.column} {group.name}: {group.too_few}"
        for group in fairness.groups
        if group.too_few
    )
