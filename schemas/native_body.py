"""The body of a request in a vendor's own wire format.

It travels beside the contract's body. A provider of its dialect receives it unchanged but for
model, limits and streaming, so that fields without a place in the contract survive
(`cache_control`, documents, thinking). A provider of another dialect receives the contract's body,
converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class NativeDialect(StrEnum):
    """Wire format of a native body."""

    OPENAI_CHAT = "openai-chat"
    """https://platform.openai.com/docs/api-reference/chat"""
    ANTHROPIC_MESSAGES = "anthropic-messages"
    """https://docs.anthropic.com/en/api/messages"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeBody:
    """A body as its caller sent it: fields in the caller's order, numbers with their digits, as
    `schemas.encoding.exact_json` decodes them.
    """

    dialect: NativeDialect
    body: Mapping[str, Any]
