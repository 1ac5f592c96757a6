"""Specs as JSON, beside a stored model, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, get_args

from features.errors import BadInput
from features.spec.spec import Custom, Ratio, Spec
from features.spec.where import Where

_KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Spec) if kind is not Custom}


def to_dict(spec: Spec) -> dict[str, Any]:
    """A JSON-safe description from which `from_dict` builds an equal spec.

    >>> from features.spec.spec import Count
    >>> from_dict(to_dict(Ratio(Count("chat", 7), Count()))) == Ratio(Count("chat", 7), Count())
    True
    """
    if isinstance(spec, Custom):
        return {"kind": "Custom", "name": spec.name}
    values = {f.name: getattr(spec, f.name) for f in fields(spec)}
    if isinstance(spec, Ratio):
        values = {"over": to_dict(spec.over), "under": to_dict(spec.under)}
    where = values.pop("where", None)
    return {"kind": type(spec).__name__} | values | ({"where": asdict(where)} if where else {})


def from_dict(given: Mapping[str, Any], custom: Mapping[str, Custom] | None = None) -> Spec:
    """The spec that `to_dict` described. Raises BadInput on an unknown kind or custom feature."""
    values = dict(given)
    kind = values.pop("kind", None)
    if kind == "Custom":
        if values["name"] not in (custom or {}):
            raise BadInput(
                f"The model needs the custom feature {values['name']!r}, which is not in "
                "features/catalog.py. Put it back, or train a new model."
            )
        return (custom or {})[values["name"]]
    if kind not in _KINDS:
        raise BadInput(
            f"The stored model has a feature of the unknown kind {kind!r}; known: "
            f"{', '.join(_KINDS)}. Was it trained by a newer version?"
        )
    if kind == "Ratio":
        values = {key: from_dict(value, custom) for key, value in values.items()}
    if values.get("where"):
        values["where"] = Where(**values["where"])
    built: Spec = _KINDS[kind](**values)
    return built
