"""Tools of Anthropic's Messages as the contract's functions. Pure.

Custom tools are functions. Every other type is a tool of the vendor, which needs a provider of this
dialect. So do custom tools that the contract has no room for: more than its limit, or with a longer
name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.chat import MAX_TOOLS
from streams.gateway.dialects.anthropic.blocks import DialectNeed
from streams.gateway.dialects.anthropic.field_checks import (
    as_object,
    fault,
    flag_field,
    list_field,
    object_field,
    path_of,
    text_field,
)

_CUSTOM = "custom"
_LONGEST_NAME = 64
"""Longest name of a function of the contract; Anthropic's are up to 128."""

_MODES = {"auto": "auto", "any": "required", "none": "none"}
_FORCED = frozenset({"any", "tool"})


def take_tools(body: Mapping[str, Any], document: dict[str, Any], need: DialectNeed) -> None:
    """Add the tools of a body, and which of them the model must call, to the contract's document.

    Raises:
        HttpError: 400; a tool or the choice has not the form that Anthropic asks for.
    """
    tools = list_field(body, "tools", "") if body.get("tools") is not None else []
    functions = []
    for number, each in enumerate(tools):
        where = path_of("tools", number)
        tool = as_object(each, where)
        if tool.get("type") is None or text_field(tool, "type", where) == _CUSTOM:
            functions.append(_function(tool, where, need))
        else:
            need.found = True
    if functions:
        need.found = need.found or len(functions) > MAX_TOOLS
        document["tools"] = functions[:MAX_TOOLS]
    if body.get("tool_choice") is not None:
        _take_choice(object_field(body, "tool_choice", ""), document, has_tools=bool(tools))


def _function(tool: Mapping[str, Any], where: str, need: DialectNeed) -> dict[str, Any]:
    name = text_field(tool, "name", where)
    need.found = need.found or len(name) > _LONGEST_NAME
    function: dict[str, Any] = {
        "name": name[:_LONGEST_NAME],
        "parameters": dict(object_field(tool, "input_schema", where)),
    }
    if tool.get("description") is not None:
        function["description"] = text_field(tool, "description", where)
    return {"type": "function", "function": function}


def _take_choice(choice: Mapping[str, Any], document: dict[str, Any], *, has_tools: bool) -> None:
    kind = text_field(choice, "type", "tool_choice")
    if kind not in _MODES and kind != "tool":
        raise fault("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'")
    if kind in _FORCED and not has_tools:
        raise fault("tool_choice", f"'{kind}' is only allowed with tools")
    name = text_field(choice, "name", "tool_choice") if kind == "tool" else ""
    single = flag_field(choice, "disable_parallel_tool_use", "tool_choice")
    functions = {tool["function"]["name"] for tool in document.get("tools") or ()}
    if not functions:
        return
    if single and kind != "none":
        document["parallel_tool_calls"] = False
    if kind in _MODES:
        document["tool_choice"] = _MODES[kind]
    elif name[:_LONGEST_NAME] in functions:
        called = {"name": name[:_LONGEST_NAME]}
        document["tool_choice"] = {"type": "function", "function": called}
