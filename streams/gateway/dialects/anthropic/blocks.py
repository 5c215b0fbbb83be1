"""Content blocks of Anthropic's Messages as parts of the contract's messages. Pure.

| block | part |
|---|---|
| `text` | text; with citations it needs a provider of this dialect |
| `image` | `image_url`: base64 as a data URL, an https URL unchanged; a file needs a provider of
    this dialect |
| `document`, `search_result` | their text, if they are text and no citations are asked for; else
    they need a provider of this dialect, and their text is for classification |
| any other | a placeholder for classification; it needs a provider of this dialect |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.gateway.dialects.anthropic.field_checks import (
    as_object,
    fault,
    list_field,
    object_field,
    path_of,
    required_field,
    text_field,
)

Part = dict[str, Any]

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_SHOWN_TYPE = 64


@dataclass(slots=True)
class DialectNeed:
    """Whether a part of a request has no other form than this dialect's."""

    found: bool = False


def typed_blocks(content: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield the blocks of a content: type, block and path. A text is one block.

    Raises:
        HttpError: 400; it is neither text nor a list of blocks.
    """
    if isinstance(content, str):
        yield "text", {"type": "text", "text": content}, where
        return
    if not isinstance(content, list):
        raise fault(where, "Input should be a valid string or list")
    for number, each in enumerate(content):
        place = path_of(where, number)
        block = as_object(each, place)
        yield text_field(block, "type", place), block, place


def parts_of(kind: str, block: Mapping[str, Any], where: str, need: DialectNeed) -> list[Part]:
    """Return the parts for a block of a user's turn, of a tool's result or of a document.

    Raises:
        HttpError: 400; a field is missing or of another type.
    """
    if kind == "text":
        need.found = need.found or bool(block.get("citations"))
        return [text_part(text_field(block, "text", where))]
    if kind == "image":
        return [_image(block, where, need)]
    if kind == "document":
        return _document(block, where, need)
    if kind == "search_result":
        return _search_result(block, where, need)
    need.found = True
    return [placeholder(kind)]


def text_part(text: str) -> Part:
    """Return a text as a part."""
    return {"type": "text", "text": text}


def placeholder(kind: str) -> Part:
    """Return the part for a block without another form."""
    return text_part(f"[{kind[:_SHOWN_TYPE]}]")


def as_content(parts: list[Part]) -> str | list[Part]:
    """Return the content of a message: of a single text the text, which every server accepts."""
    if not parts:
        return ""
    if len(parts) == 1 and parts[0]["type"] == "text":
        text: str = parts[0]["text"]
        return text
    return parts


def _image(block: Mapping[str, Any], where: str, need: DialectNeed) -> Part:
    source = object_field(block, "source", where)
    place = path_of(where, "source")
    kind = text_field(source, "type", place)
    if kind == "base64":
        media_type = text_field(source, "media_type", place)
        if media_type not in _IMAGES:
            raise fault(
                path_of(place, "media_type"),
                "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
            )
        url = f"data:{media_type};base64,{text_field(source, 'data', place)}"
    elif kind == "url":
        url = text_field(source, "url", place)
        if not url.startswith("https://"):
            raise fault(path_of(place, "url"), "Only HTTPS URLs are supported.")
    else:
        need.found = True
        return placeholder("image")
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: Mapping[str, Any], where: str, need: DialectNeed) -> list[Part]:
    source = object_field(block, "source", where)
    place = path_of(where, "source")
    kind = text_field(source, "type", place)
    need.found = need.found or _is_cited(block)
    if kind == "text":
        inside = [text_part(text_field(source, "data", place))]
    elif kind == "content":
        content = required_field(source, "content", place)
        inside = [
            part
            for each, inner, path in typed_blocks(content, path_of(place, "content"))
            for part in parts_of(each, inner, path, need)
        ]
    else:
        need.found = True
        inside = [placeholder("document")]
    return _headed([block.get("title"), block.get("context")], inside)


def _search_result(block: Mapping[str, Any], where: str, need: DialectNeed) -> list[Part]:
    need.found = need.found or _is_cited(block)
    heads = [text_field(block, "title", where), text_field(block, "source", where)]
    list_field(block, "content", where)
    inside = [
        part
        for kind, inner, path in typed_blocks(block["content"], path_of(where, "content"))
        for part in parts_of(kind, inner, path, need)
    ]
    return _headed(heads, inside)


def _headed(heads: list[Any], inside: list[Part]) -> list[Part]:
    """Return parts below the texts of their head; a single text becomes one with it."""
    head = "\n".join(each for each in heads if isinstance(each, str) and each)
    if not head:
        return inside
    if len(inside) == 1 and inside[0]["type"] == "text":
        return [text_part(f"{head}\n{inside[0]['text']}")]
    return [text_part(head), *inside]


def _is_cited(block: Mapping[str, Any]) -> bool:
    citations = block.get("citations")
    return isinstance(citations, Mapping) and citations.get("enabled") is True
