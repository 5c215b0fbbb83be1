"""Request of OpenAI's chat completions as a request of the contract.

A field that the contract has is taken over. What only a provider of this dialect can serve travels
in the native body: `required` if the answer depends on it (audio, files, custom tools, web search),
else as a hint that other providers do without (`prediction`, prompt-cache marks). Any other name is
a vendor's parameter and must be listed in a model's registry entry, or is refused by name.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from schemas.chat import PASSED_ON
from schemas.gateway.native_body import NATIVE, NativeBody, NativeDialect
from streams.gateway.dialects.openai.messages import Conversation, converted
from streams.gateway.dialects.parsed_request import (
    GRANTED_FIELDS,
    KEYED_FIELDS,
    NEVER,
    OPEN_FIELDS,
    ParsedRequest,
)
from streams.gateway.errors import HttpError, invalid

_HANDLED = frozenset({"model", "messages", "stream", "stream_options", "n", "tools", "tool_choice"})
_TAKEN = (PASSED_ON - {NATIVE, "extra_body"} - _HANDLED) | {"user", "metadata"}
_HINTS = frozenset(
    {
        *("prediction", "prompt_cache_retention", "prompt_cache_options", "moderation"),
        *("service_tier", "modalities"),
    }
)
"""Fields without which another provider still answers the question."""

_NEEDED = frozenset({"audio", "functions", "function_call", "web_search_options"})
"""Fields that only a provider of this dialect can serve."""

FIELDS = _HANDLED | _TAKEN | _HINTS | _NEEDED | OPEN_FIELDS | set(GRANTED_FIELDS)
"""Fields that a body may have, beside the vendor parameters that a model lists."""

_TEXT_ONLY = ["text"]
_TOOL_MODES = frozenset({"none", "auto", "required"})
_NATIVE_CHOICES = ("custom", "allowed_tools")


def parse_chat(body: Mapping[str, Any], extra_names: Collection[str]) -> ParsedRequest:
    """Return a request body as a request of the contract. `extra_names` are the vendor parameters
    that a model of the registry accepts.

    Raises:
        HttpError: 400; a field is missing, refused, or unknown.
    """
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("you must provide a model parameter", param="model")
    if "messages" not in body:
        raise invalid("Missing required parameter: 'messages'.", param="messages")
    given = {name: value for name, value in body.items() if value is not None}
    if given.get("n", 1) != 1 or isinstance(given.get("n"), bool):
        raise invalid("n: only one answer per request", param="n")
    stream, include_usage = _streaming(given)
    conversation = converted(given["messages"]) if "messages" in given else Conversation()
    document: dict[str, Any] = {"messages": conversation.messages}
    own = frozenset(given.keys() & (OPEN_FIELDS | KEYED_FIELDS))
    extra: dict[str, Any] = {}
    hints = conversation.has_marks
    needed = conversation.needs_dialect
    for name, value in given.items():
        if name in NEVER:
            raise invalid(f"{name}: unknown field", param=name)
        if name in own or name in _TAKEN:
            document[name] = value
            hints = hints or name in _HINTS
        elif name in _HINTS or name in _NEEDED:
            needed = needed or name in _NEEDED or (name == "modalities" and value != _TEXT_ONLY)
            hints = True
        elif name in extra_names:
            extra[name] = value
        elif name not in _HANDLED:
            raise _unknown(name)
    needed = _take_tools(given, document) or needed
    for name in ("cache", "session_id"):
        document.pop(name, None)
    if extra:
        document["extra_body"] = extra
    native = None
    if needed or hints:
        kept = {
            name: value for name, value in body.items() if name not in OPEN_FIELDS | KEYED_FIELDS
        }
        native = NativeBody(dialect=NativeDialect.OPENAI_CHAT, body=kept, required=needed)
    return ParsedRequest(
        document=document,
        asked_model=model,
        stream=stream,
        include_usage=include_usage,
        own=own,
        native=native,
    )


def _streaming(given: Mapping[str, Any]) -> tuple[bool, bool]:
    stream, options = given.get("stream", False), given.get("stream_options")
    if not isinstance(stream, bool):
        raise invalid("stream: expected a boolean", param="stream")
    if options is None:
        return stream, False
    if not isinstance(options, Mapping):
        raise invalid("stream_options: expected an object", param="stream_options")
    if not stream:
        raise invalid("stream_options: only allowed when stream is true", param="stream_options")
    return stream, options.get("include_usage") is True


def _take_tools(given: Mapping[str, Any], document: dict[str, Any]) -> bool:
    """Take over function tools; return whether others need a provider of this dialect."""
    tools, choice = given.get("tools"), given.get("tool_choice")
    needed = False
    if isinstance(tools, list):
        plain = [_plain_tool(tool) for tool in tools]
        functions = [tool for tool in plain if not _is_custom(tool)]
        needed = len(functions) < len(plain)
        if functions:
            document["tools"] = functions
    elif tools is not None:
        document["tools"] = tools
    if choice is None:
        return needed
    if isinstance(choice, Mapping) and choice.get("type") in _NATIVE_CHOICES:
        return True
    is_mode = isinstance(choice, str) and choice in _TOOL_MODES
    if "tools" in document or not is_mode:
        document["tool_choice"] = choice
    return needed


def _plain_tool(tool: Any) -> Any:
    """Return a tool without a prompt-cache mark, and without null fields of its function."""
    if not isinstance(tool, Mapping):
        return tool
    plain = {name: value for name, value in tool.items() if name != "cache_control"}
    function = plain.get("function")
    if isinstance(function, Mapping):
        plain["function"] = {name: each for name, each in function.items() if each is not None}
    return plain


def _is_custom(tool: Any) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") == "custom"


def _unknown(name: str) -> HttpError:
    shown = "".join(char if char.isprintable() else "?" for char in name[:64])
    return invalid(
        f"Unrecognized request argument supplied: {shown}. Vendor parameters are accepted if a "
        "model lists them under extra_body in the registry",
        param=shown,
    )
