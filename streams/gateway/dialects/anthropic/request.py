"""Request of Anthropic's Messages as a request of the contract.

The body travels along in the vendor's own form: a provider of this dialect receives it. For other
providers the contract's form says the same, as far as it can. `required` is set where it can't:
files and PDF documents, citations, tools of the vendor, containers, MCP servers, a geography of
inference. Hints are what another provider does without: prompt-cache marks, `top_k`, `thinking`,
`service_tier`, `metadata`, `speed`. Any other name is refused, unless it is a vendor's parameter
that a model of the registry lists.

| Anthropic | contract |
|---|---|
| `system`, `messages` | `messages`, see `turns.py` and `blocks.py` |
| `tools`, `tool_choice` | functions, see `tools.py`; `disable_parallel_tool_use` as
    `parallel_tool_calls` |
| `stop_sequences` | `stop`; more than four need a provider of this dialect |
| `output_config.format`, `output_format` | `response_format` |
| `output_config.effort` | `reasoning_effort`; `max` is `xhigh` |
| `metadata.user_id` | `user`, for Sluice; other providers do not receive it |

Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from schemas.gateway.native_body import NativeBody, NativeDialect
from streams.gateway.dialects.anthropic.blocks import DialectNeed
from streams.gateway.dialects.anthropic.field_checks import (
    fault,
    flag_field,
    list_field,
    object_field,
    path_of,
    refuse_others,
    text_field,
    unknown_field,
)
from streams.gateway.dialects.anthropic.tools import take_tools
from streams.gateway.dialects.anthropic.turns import messages_of
from streams.gateway.dialects.anthropic.vendor_body import vendor_body
from streams.gateway.dialects.parsed_request import (
    GRANTED_FIELDS,
    KEYED_FIELDS,
    NEVER,
    OPEN_FIELDS,
    ParsedRequest,
)
from streams.gateway.errors import HttpError

_HANDLED = frozenset(
    {
        *("model", "messages", "system", "max_tokens", "stream", "tools", "tool_choice"),
        *("stop_sequences", "metadata", "output_config", "output_format"),
        *("temperature", "top_p"),
    }
)
_HINTS = frozenset(
    {
        *("cache_control", "top_k", "thinking", "service_tier", "speed", "diagnostics"),
        "context_management",
    }
)
"""Fields without which another provider still answers the question."""

_NEEDED = frozenset({"container", "mcp_servers", "inference_geo", "compaction"})
"""Fields that only a provider of this dialect can serve."""

FIELDS = _HANDLED | _HINTS | _NEEDED | OPEN_FIELDS | set(GRANTED_FIELDS)
"""Fields that a body may have, beside the vendor parameters that a model lists."""

_THREAD = "thread"
_NO_THREADS = "thread_unsupported_request"
"""Anthropic's code for a request that its server can't hold as a thread. The SDKs send the whole
conversation then, without `thread`.
"""

_NOT_FOR_THE_LOG = ("cache", "session_id")
_MOST_STOPS = 4
MAX_STOP_SEQUENCES = 1_000
"""Anthropic documents no limit. A request has a few; each is searched for in the whole answer."""

_LONGEST_USER = 256
_EFFORTS = {name: name for name in ("low", "medium", "high", "xhigh")} | {"max": "xhigh"}
_USER_ID = frozenset({"user_id"})
_FORMAT = frozenset({"type", "schema"})
_SCHEMA_NAME = "answer"


def parse_messages(
    body: Mapping[str, Any], extra_names: Collection[str], *, is_counted: bool = False
) -> ParsedRequest:
    """Return a request body as a request of the contract. `extra_names` are the vendor parameters
    that a model of the registry accepts. `is_counted` reads the body of a token count, which has no
    `max_tokens`.

    Raises:
        HttpError: 400; a field is missing, refused, or unknown.
    """
    given = {name: value for name, value in body.items() if value is not None}
    model = text_field(given, "model", "")
    if not model:
        raise fault("model", "String should have at least 1 character")
    own = frozenset(given.keys() & (OPEN_FIELDS | KEYED_FIELDS))
    extra: dict[str, Any] = {}
    need = DialectNeed()
    document: dict[str, Any] = {}
    for name, value in given.items():
        if name in NEVER:
            raise unknown_field(name)
        if name == _THREAD:
            raise _no_threads()
        if name in own:
            document[name] = value
        elif name in _NEEDED:
            need.found = True
        elif name in _HANDLED or name in _HINTS:
            continue
        elif name in extra_names:
            extra[name] = value
        else:
            raise unknown_field(name)
    for name in _NOT_FOR_THE_LOG:
        document.pop(name, None)
    if not is_counted or "max_tokens" in given:
        document["max_tokens"] = _limit(given)
    document["messages"] = messages_of(given, need)
    take_tools(given, document, need)
    _take_sampling(given, document, need)
    _take_format(given, document)
    _take_user(given, document)
    stream = flag_field(given, "stream", "")
    if extra:
        document["extra_body"] = extra
    return ParsedRequest(
        document=document,
        asked_model=model,
        stream=stream,
        own=own,
        native=NativeBody(
            dialect=NativeDialect.ANTHROPIC_MESSAGES,
            body=vendor_body(body, OPEN_FIELDS | KEYED_FIELDS | extra.keys()),
            required=need.found,
        ),
    )


def _no_threads() -> HttpError:
    return HttpError(
        400,
        _NO_THREADS,
        "thread: no conversation is held here; send all of it, without this field",
        param=_THREAD,
    )


def _limit(given: Mapping[str, Any]) -> int:
    limit = given.get("max_tokens")
    if limit is None:
        raise fault("max_tokens", "Field required")
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise fault("max_tokens", "Input should be a valid integer")
    if limit < 1:
        raise fault("max_tokens", "must be greater than or equal to 1")
    return limit


def _take_sampling(given: Mapping[str, Any], document: dict[str, Any], need: DialectNeed) -> None:
    for name in ("temperature", "top_p"):
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise fault(name, "Input should be a valid number")
        if not 0 <= value <= 1:
            raise fault(name, "range: 0..1")
        document[name] = value
    if "stop_sequences" not in given:
        return
    sequences = list_field(given, "stop_sequences", "")
    if len(sequences) > MAX_STOP_SEQUENCES:
        raise fault("stop_sequences", f"List should have at most {MAX_STOP_SEQUENCES} items")
    for number, each in enumerate(sequences):
        if not isinstance(each, str):
            raise fault(path_of("stop_sequences", number), "Input should be a valid string")
    if sequences:
        need.found = need.found or len(sequences) > _MOST_STOPS
        document["stop"] = sequences[:_MOST_STOPS]


def _take_format(given: Mapping[str, Any], document: dict[str, Any]) -> None:
    found = None
    if "output_format" in given:
        found, where = object_field(given, "output_format", ""), "output_format"
    if "output_config" in given:
        config = object_field(given, "output_config", "")
        if config.get("format") is not None:
            where = "output_config.format"
            found = object_field(config, "format", "output_config")
        effort = config.get("effort")
        if effort is not None:
            if not isinstance(effort, str) or effort not in _EFFORTS:
                raise fault("output_config.effort", f"Input should be one of {', '.join(_EFFORTS)}")
            document["reasoning_effort"] = _EFFORTS[effort]
    if found is None:
        return
    refuse_others(found, _FORMAT, where)
    if text_field(found, "type", where) != "json_schema":
        raise fault(f"{where}.type", "Input should be 'json_schema'")
    schema = dict(object_field(found, "schema", where))
    document["response_format"] = {
        "type": "json_schema",
        "json_schema": {"name": _SCHEMA_NAME, "schema": schema},
    }


def _take_user(given: Mapping[str, Any], document: dict[str, Any]) -> None:
    if "metadata" not in given:
        return
    metadata = object_field(given, "metadata", "")
    refuse_others(metadata, _USER_ID, "metadata")
    if metadata.get("user_id") is None:
        return
    user = text_field(metadata, "user_id", "metadata")
    if len(user) > _LONGEST_USER:
        raise fault("metadata.user_id", f"at most {_LONGEST_USER} characters")
    if user:
        document["user"] = user
