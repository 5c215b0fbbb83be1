"""Tools of OpenAI's Responses as those of chat completions. Pure.

Functions are supported. Tools that OpenAI runs itself (web search, file search, code interpreter,
MCP, ...) and custom tools are refused by name. `allowed_tools` leaves the other functions out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.gateway.dialects.responses.field_checks import (
    as_object,
    choice,
    elements,
    path_of,
    refuse_others,
    required,
    shown,
    text,
    unsupported,
)
from streams.gateway.errors import invalid

FUNCTION = "function"

_TOOL = frozenset(
    {
        *("type", "name", "description", "parameters", "strict"),
        *("defer_loading", "allowed_callers", "output_schema", "async", "cache_control"),
    }
)
_PASSED = ("name", "description", "parameters", "strict")
_MODES = ("none", "auto", "required")
_ALLOWED = "allowed_tools"


def take_tools(given: Mapping[str, Any], chat: dict[str, Any]) -> None:
    """Add the tools of a body, and which of them the model must call, to a chat's body.

    Raises:
        HttpError: 400; a tool or the choice is not supported, or has not the form that OpenAI asks
            for.
    """
    tools = [_function(tool, path) for tool, path in elements(given.get("tools", []), "tools")]
    if given.get("tool_choice") is not None:
        tools = _take_choice(given["tool_choice"], tools, chat)
    if tools:
        chat["tools"] = tools
    if tools and given.get("parallel_tool_calls") is not None:
        chat["parallel_tool_calls"] = given["parallel_tool_calls"]


def echoed_tools(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tools as a response repeats them; the body is checked."""
    return [
        {
            "type": FUNCTION,
            "name": tool["name"],
            "description": tool.get("description"),
            "parameters": tool.get("parameters"),
            "strict": tool.get("strict") is True,
        }
        for tool in given.get("tools", [])
    ]


def _function(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    kind = text(tool, "type", where)
    if kind != FUNCTION:
        raise unsupported(
            path_of(where, "type"),
            f"the tool '{shown(kind)}' is not supported; only functions are",
        )
    refuse_others(tool, _TOOL, where)
    text(tool, "name", where)
    return {"type": FUNCTION, FUNCTION: {name: tool[name] for name in _PASSED if name in tool}}


def _take_choice(
    given: Any, tools: list[dict[str, Any]], chat: dict[str, Any]
) -> list[dict[str, Any]]:
    """Add the choice to a chat's body; return the tools that it allows."""
    if isinstance(given, str):
        chosen = choice({"tool_choice": given}, "tool_choice", "", _MODES)
        if chosen == "required" and not tools:
            raise invalid("tool_choice: 'required' needs tools", param="tool_choice")
        if tools:
            chat["tool_choice"] = chosen
        return tools
    fields = as_object(given, "tool_choice")
    kind = text(fields, "type", "tool_choice")
    if kind == FUNCTION:
        name = text(fields, "name", "tool_choice")
        _check_listed({name}, tools)
        chat["tool_choice"] = {"type": FUNCTION, FUNCTION: {"name": name}}
        return tools
    if kind != _ALLOWED:
        raise unsupported("tool_choice.type", f"'{shown(kind)}' is not supported")
    mode = choice(fields, "mode", "tool_choice", ("auto", "required"))
    names = {
        text(tool, "name", path)
        for tool, path in elements(required(fields, "tools", "tool_choice"), "tool_choice.tools")
    }
    _check_listed(names, tools)
    chat["tool_choice"] = mode
    return [tool for tool in tools if tool[FUNCTION]["name"] in names]


def _check_listed(names: set[str], tools: list[dict[str, Any]]) -> None:
    missing = names - {tool[FUNCTION]["name"] for tool in tools}
    if missing or not names:
        raise invalid("tool_choice: the function is not among the tools", param="tool_choice")
