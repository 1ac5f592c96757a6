"""Specs as JSON, beside a stored model, and back: a spec's kind and its fields."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from features.conditions.segments import InSegment
from features.errors import BadInput
from features.spec import accounts
from features.spec.kinds import KINDS, Custom
from features.spec.spec import Spec
from features.spec.titles import OfTitle, OpenPeopleOfTitle
from features.spec.where import Where

_EVERY: tuple[type[Spec], ...] = (*KINDS, *accounts.KINDS, OfTitle, OpenPeopleOfTitle, InSegment)
_KINDS: dict[str, Any] = {kind.__name__: kind for kind in _EVERY}


def to_dict(spec: Spec) -> dict[str, Any]:
    """A JSON-safe description from which `from_dict` builds an equal spec.

    >>> from features.spec.kinds import Count, Ratio
    >>> from_dict(to_dict(Ratio(Count("chat", 7), Count()))) == Ratio(Count("chat", 7), Count())
    True
    """
    if isinstance(spec, Custom):
        return {"kind": "Custom", "name": spec.name}
    described: dict[str, Any] = {"kind": type(spec).__name__}
    for field in fields(spec):  # type: ignore[arg-type]  # every spec is a dataclass
        value = getattr(spec, field.name)
        if isinstance(value, Spec):
            value = to_dict(value)
        elif isinstance(value, Where):
            value = asdict(value)
        elif field.name == "where":
            continue
        described[field.name] = value
    return described


def from_dict(given: Mapping[str, Any], custom: Mapping[str, Custom] | None = None) -> Spec:
    """The spec that `to_dict` described. Raises BadInput on an unknown kind or custom feature."""
    kind = given.get("kind")
    if kind == "Custom":
        if given["name"] not in (custom or {}):
            raise BadInput(
                f"The model needs the custom feature {given['name']!r}, which is not in "
                "features/catalog.py. Put it back, or train a new model."
            )
        return (custom or {})[given["name"]]
    if kind not in _KINDS:
        raise BadInput(
            f"The stored model has a feature of the unknown kind {kind!r}; known: "
            f"{', '.join(_KINDS)}. Was it trained by a newer version?"
        )
    values = {}
    for name, value in given.items():
        if name == "where" and value:
            value = Where(**value)
        elif isinstance(value, Mapping):
            value = from_dict(value, custom)
        if name != "kind":
            values[name] = value
    built: Spec = _KINDS[kind](**values)
    return built
