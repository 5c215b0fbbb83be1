"""`sluice eval --column`: mapping of differently named fields in a label file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from streams.offline.training.labels import ColumnMapping

_PLAIN = ("prompt", "weight")
_BY_MODEL = {"score": "scores", "text": "texts"}
_EXPECTED = "expected prompt=FIELD, weight=FIELD, score.MODEL=FIELD or text.MODEL=FIELD"


def columns_of(given: Sequence[str], group: str | None = None) -> ColumnMapping:
    """Return the mapping of `NAME=FIELD` options; `group` is the field of the left-out groups.

    Raises:
        BadParameter: an option is not such a pair, or names an unknown field.
    """
    from streams.offline.training.labels import ColumnMapping

    plain: dict[str, str] = {}
    by_model: dict[str, dict[str, str]] = {"scores": {}, "texts": {}}
    for each in given:
        name, equals, field = each.partition("=")
        kind, dot, model = name.partition(".")
        if not equals or not field:
            raise click.BadParameter(_EXPECTED, param_hint="--column")
        if name in _PLAIN:
            plain[name] = field
        elif kind in _BY_MODEL and dot and model:
            by_model[_BY_MODEL[kind]][model] = field
        else:
            raise click.BadParameter(_EXPECTED, param_hint="--column")
    missing = by_model["texts"].keys() - by_model["scores"].keys()
    if missing:
        raise click.BadParameter(
            f"the text needs a score as well: score.{min(missing)}=FIELD", param_hint="--column"
        )
    return ColumnMapping(
        prompt=plain.get("prompt", "prompt"),
        weight=plain.get("weight", "weight"),
        scores=by_model["scores"],
        texts=by_model["texts"],
        group=group,
    )
