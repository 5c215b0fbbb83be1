"""The part of a request's `extra_body` that is sent to a model: names listed in its registry entry.

An unreviewed name may change a call's cost, its destination or its permissions: other models,
provider tools, a more expensive service tier. So a model accepts only listed names
(`models.<name>.extra_body`), by default the common parameters of sampling, reasoning, guided output
and templates. A name that no eligible model accepts is rejected at admission. A name that only the
chosen model does not accept is dropped, and the reply says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.identity import NAME
from streams.routing.snapshot import Model

EXTRA_BODY = "extra_body"


def _extra(body: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = body.get(EXTRA_BODY)
    return extra if isinstance(extra, Mapping) else {}


def accepted_names(models: Iterable[Model]) -> frozenset[str]:
    """Return the names that at least one of these models accepts."""
    return frozenset[str]().union(*(model.extra_body for model in models))


def refused_names(body: Mapping[str, Any], models: Iterable[Model]) -> tuple[str, ...]:
    """Return names that none of these models accepts, in order; one with unusual characters is
    `?`.
    """
    extra = _extra(body)
    if not extra:
        return ()
    taken = accepted_names(models)
    return tuple(name if NAME.fullmatch(name) else "?" for name in extra if name not in taken)


def with_listed_extra(body: Mapping[str, Any], model: Model) -> Mapping[str, Any]:
    """Return the body as this model receives it."""
    extra = _extra(body)
    if extra.keys() <= model.extra_body:
        return body
    kept = {name: value for name, value in extra.items() if name in model.extra_body}
    return {**body, EXTRA_BODY: kept or None}


def extra_notes(body: Mapping[str, Any], model: Model) -> tuple[str, ...]:
    """Return the notes to the caller on dropped names."""
    left_out = sorted(name for name in _extra(body) if name not in model.extra_body)
    return tuple(f"extra_body.{name} left out, {model.name} does not take it" for name in left_out)
