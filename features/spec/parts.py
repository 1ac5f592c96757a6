"""What specs are made of: those that are computed from others, taken apart."""

from collections.abc import Iterable, Iterator

from features.conditions.segments import beneath
from features.spec.spec import Age, Attribute, Behaviour, Custom, InSegment, Ratio, Spec


def behaviours(specs: Iterable[Spec]) -> list[Behaviour | Custom]:
    """The specs that need an aggregate over events, those inside ratios included, each once."""
    found = [spec for spec in inside(specs) if not isinstance(spec, Age | Attribute)]
    return list({spec.name: spec for spec in found}.values())


def inside(specs: Iterable[Spec]) -> Iterator[Behaviour | Custom | Age | Attribute]:
    """The specs, each ratio replaced by the two inside it, each segment by what it asks for."""
    for spec in specs:
        if isinstance(spec, Ratio):
            yield from inside((spec.over, spec.under))
        elif isinstance(spec, InSegment):
            yield from inside(beneath([spec]))
        else:
            yield spec
