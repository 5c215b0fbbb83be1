"""Content parts of OpenAI's Responses as those of chat completions. Pure.

| part | in chat completions |
|---|---|
| `input_text`, `output_text`, `text` | text |
| `refusal` | refusal |
| `input_image` | `image_url`; images by file id are refused |
| `input_file` | `file`, which only a provider `openai` serves; files by URL are refused |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.gateway.dialects.responses.field_checks import (
    elements,
    path_of,
    shown,
    text,
    unsupported,
    wrong_type,
)
from streams.gateway.errors import invalid

Part = dict[str, Any]

_TEXTS = frozenset({"input_text", "output_text", "text"})
_FILE = ("file_id", "file_data", "filename")


def as_content(value: Any, where: str) -> str | list[Part]:
    """Return a content of an item: a text, or its parts; a single text is one.

    Raises:
        HttpError: 400; a part is not supported, or has not the form that OpenAI asks for.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise wrong_type(where, "a string or an array of content parts")
    parts = [_part(part, path) for part, path in elements(value, where)]
    if not parts:
        return ""
    if len(parts) == 1 and parts[0]["type"] == "text":
        only: str = parts[0]["text"]
        return only
    return parts


def _part(part: Mapping[str, Any], where: str) -> Part:
    kind = text(part, "type", where)
    if kind in _TEXTS:
        return {"type": "text", "text": text(part, "text", where)}
    if kind == "refusal":
        return {"type": "refusal", "refusal": text(part, "refusal", where)}
    if kind == "input_image":
        return _image(part, where)
    if kind == "input_file":
        return _file(part, where)
    raise unsupported(path_of(where, "type"), f"'{shown(kind)}' is not supported")


def _image(part: Mapping[str, Any], where: str) -> Part:
    if part.get("file_id") is not None:
        raise unsupported(
            path_of(where, "file_id"), "no files are stored here; send the image as image_url"
        )
    image = {"url": text(part, "image_url", where)}
    if not image["url"].startswith(("https://", "data:image/")):
        path = path_of(where, "image_url")
        raise invalid(f"Invalid '{path}': expected a URL https://... or data:image/...", param=path)
    if part.get("detail") is not None:
        image["detail"] = text(part, "detail", where)
    return {"type": "image_url", "image_url": image}


def _file(part: Mapping[str, Any], where: str) -> Part:
    if part.get("file_url") is not None:
        raise unsupported(
            path_of(where, "file_url"), "files by URL are not read here; send file_data"
        )
    found = {name: text(part, name, where) for name in _FILE if part.get(name) is not None}
    if "file_id" not in found and "file_data" not in found:
        path = path_of(where, "file_data")
        raise invalid(f"Missing required parameter: '{path}'.", param=path)
    return {"type": "file", "file": found}
