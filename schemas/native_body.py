"""A request's body in the vendor's own format, carried beside the contract's.

The contract's body (`schemas.chat`) is what is classified, checked and converted for any provider.
What it cannot express (prompt-cache marks, documents, server tools) reaches a provider of the
body's own dialect in this one, which is sent unchanged but for the model, limits and streaming.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NATIVE = "native"
"""Field of a request's body that holds it."""


class NativeDialect(StrEnum):
    """Formats of vendors' request bodies."""

    OPENAI_CHAT = "openai-chat"
    """https://platform.openai.com/docs/api-reference/chat"""
    ANTHROPIC_MESSAGES = "anthropic-messages"
    """https://docs.anthropic.com/en/api/messages"""

    @property
    def provider(self) -> str:
        """Return the name of the adapter that speaks this dialect."""
        return _PROVIDERS[self]


_PROVIDERS = {
    NativeDialect.OPENAI_CHAT: "openai",
    NativeDialect.ANTHROPIC_MESSAGES: "anthropic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeBody:
    """A body in a vendor's format. `required`: no other format can express the request, so only a
    provider of this dialect may serve it.
    """

    dialect: NativeDialect
    body: Mapping[str, Any]
    required: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> NativeBody | None:
        """Return the native body that a checked request body carries, if any."""
        found = body.get(NATIVE)
        if found is None:
            return None
        return cls(
            dialect=NativeDialect(found["dialect"]),
            body=found["body"],
            required=bool(found.get("required")),
        )

    def as_document(self) -> dict[str, Any]:
        """Return the value of the field `native`."""
        return {"dialect": self.dialect.value, "body": self.body, "required": self.required}


def without_native(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a request body without the vendor's own."""
    if NATIVE not in body:
        return body
    return {name: value for name, value in body.items() if name != NATIVE}
