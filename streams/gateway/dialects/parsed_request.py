"""A request as a dialect reads it: the contract's document, and what its answer depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.gateway.native_body import NativeBody

OPEN_FIELDS = frozenset({"deadline_ms", "cache", "session_id"})
"""Request fields of Sluice's own that every key may set."""

GRANTED_FIELDS = ("user_id", "user_tier", "feature", "quality", "tier", "retrieval")
"""Request fields of Sluice's own that a key must permit."""

NEVER = frozenset({"tenant", "native", "prompt", "request_id", "extra_body"})
"""Request fields of Sluice's own that no caller sets over HTTP; dialects refuse them. `tenant` is
the key's, and `native` the gateway's.
"""

KEYED_FIELDS = NEVER.union(GRANTED_FIELDS)
"""Request fields of Sluice's own that are not open to every key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """A request in one vendor's format.

    `document` is the contract's document without model, tenant and request id. `asked_model` is the
    model name in the request. `own` are the request fields of Sluice's own that it sets.
    `include_usage` asks for the usage at the end of a stream. `background` asks for an answer at
    once, before the model's; `is_stored` for one that can be read later. `echo` are the fields of
    the request that its answer repeats.
    """

    document: Mapping[str, Any]
    asked_model: str
    stream: bool = False
    include_usage: bool = False
    own: frozenset[str] = frozenset()
    native: NativeBody | None = None
    background: bool = False
    is_stored: bool = False
    echo: Mapping[str, Any] = field(default_factory=dict)
