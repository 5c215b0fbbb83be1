"""What of a request's `extra_body` goes to a model: the names that its registry entry lists.

A name that nobody looked at may change what a call costs, where it goes, or what it may do: other
models, tools of the provider, a dearer service tier. So a model takes what is listed for it
(`models.<name>.extra_body`), by default the common parameters of sampling, reasoning, guided output
and templates. A name that no model in question takes is refused at the door. One that only the
chosen model does not take is left out, and the reply says so.
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


def refused_names(body: Mapping[str, Any], models: Iterable[Model]) -> tuple[str, ...]:
    """Names that none of these models takes, in order; one that is no ordinary name is `?`."""
    extra = _extra(body)
    if not extra:
        return ()
    taken = frozenset[str]().union(*(model.extra_body for model in models))
    return tuple(name if NAME.fullmatch(name) else "?" for name in extra if name not in taken)


def with_listed_extra(body: Mapping[str, Any], model: Model) -> Mapping[str, Any]:
    """The body as this model gets it."""
    extra = _extra(body)
    if extra.keys() <= model.extra_body:
        return body
    kept = {name: value for name, value in extra.items() if name in model.extra_body}
    return {**body, EXTRA_BODY: kept or None}


def extra_notes(body: Mapping[str, Any], model: Model) -> tuple[str, ...]:
    """What the caller is told of names that were left out."""
    left_out = sorted(name for name in _extra(body) if name not in model.extra_body)
    return tuple(f"extra_body.{name} left out, {model.name} does not take it" for name in left_out)
