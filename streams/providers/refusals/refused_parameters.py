"""Refused parameters: detection in a refusal, and a record of them by model.

A new model, or one deployed under its own name, may refuse parameters that its registry entry does
not list. The first refusal that names a parameter is recorded; later calls drop it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from streams.routing.parameters.optional_parameters import PARAMETERS

MAX_MODELS = 1_024
"""Maximum number of models with a record; the least recently used is evicted."""

_NAMES = frozenset(
    {
        "unsupported_parameter",
        "unsupported_value",
        "unknown_parameter",
        "unrecognized_parameter",
        "extra_forbidden",
    }
)
"""Codes and types of a refused parameter, in lower case."""

_REFUSED = re.compile(
    r"unsupported|not supported|n[o']t support|not (yet )?(allowed|permitted|enabled|available)|"
    r"unrecogni[sz]ed|unknown (name|field|parameter|argument|key)|unexpected|deprecated|"
    r"extra (inputs|fields)|additional propert|removed|cannot (both )?be (used|specified|set)|"
    r"not compatible|no longer|only the default|cannot find field|is only allowed",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[`'\"]([A-Za-z][A-Za-z0-9_.\[\]]{0,80})[`'\"]")
_UNMISTAKABLE = re.compile(
    r"\b([a-z]{1,20}(?:_[a-z]{1,20}){1,4}|[a-z]{1,20}(?:[A-Z][a-z]{1,20}){1,4}|temperature|logprobs)\b"
)
"""Names that are not ordinary words; `stop` or `seed` count only in quotes."""

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,127}")
_MOST_PARTS = 16

_PATH = re.compile(r"[.\[\]]+")

_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def refused_parameter(error: Mapping[str, Any], message: str) -> str | None:
    """Return the parameter that a 4xx refuses, if it names an optional one.

    `param` (OpenAI), `loc` (pydantic's servers) and codes take precedence over the words.
    """
    given = (error.get(field) for field in ("code", "type"))
    names = {name.lower() for name in given if isinstance(name, str)}
    place = _place(error)
    if place is not None and (names & _NAMES or _REFUSED.search(message)):
        return place
    if names & _NAMES or _REFUSED.search(message):
        words = [
            *(word.rpartition(".")[2] for word in _QUOTED.findall(message)),
            *_UNMISTAKABLE.findall(message),
        ]
        return next(filter(None, map(_parameter, words)), None)
    return None


def named_parameter(error: Mapping[str, Any]) -> str | None:
    """Return the field of the request that an error names in its own field, as a path."""
    given = error.get("param") or error.get("loc")
    if isinstance(given, list):
        parts = [each for each in given[:_MOST_PARTS] if each != "body"]
        is_path = len(given) <= _MOST_PARTS and all(isinstance(each, str | int) for each in parts)
        given = ".".join(map(str, parts)) if is_path else None
    return given if isinstance(given, str) and _FIELD.fullmatch(given) else None


def _place(error: Mapping[str, Any]) -> str | None:
    """Return the parameter in the error's own field: the last part of a path that is one."""
    given = error.get("param") or error.get("loc")
    if isinstance(given, str):
        parts: Sequence[Any] = _PATH.split(given)
    else:
        parts = given if isinstance(given, list) else ()
    return next((found for part in reversed(parts) if (found := _parameter(part))), None)


def _parameter(word: object) -> str | None:
    if not isinstance(word, str):
        return None
    name = _CAMEL.sub(lambda found: "_" + found[1].lower(), word)
    return name if name in PARAMETERS else None


class RefusedParameters:
    """Parameters refused by models of this worker, by registry name; bounded."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, frozenset[str]] = OrderedDict()

    def of(self, model: str) -> frozenset[str]:
        """Return the parameters that this model has refused."""
        found = self._known.get(model)
        if found is None:
            return frozenset()
        self._known.move_to_end(model)
        return found

    def learn(self, model: str, parameter: str) -> None:
        """Record that the model refused this parameter."""
        self._known[model] = self.of(model) | {parameter}
        self._known.move_to_end(model)
        while len(self._known) > MAX_MODELS:
            self._known.popitem(last=False)
