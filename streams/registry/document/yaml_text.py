"""YAML text as plain values, with the line of every value; a duplicate key is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from schemas.encoding.nesting import overgrown
from schemas.errors import RegistryError
from streams.registry.document.problems import InvalidRegistryError, Problem
from streams.registry.document.yaml_scalars import TEXT, scalar_problems

Path = tuple[str, ...]
"""Path of a value: keys and list positions, as text."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader reads a registry in a sixteenth of the time; it is in PyYAML's wheels. Both
return plain values only.
"""

_MOST_VALUES = 200_000
"""Maximum number of values in a document after expansion of its aliases."""
_DEEPEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlText:
    """Content of a text, and the line (from 1) of each value."""

    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """Return the line of a value, else of the nearest enclosing mapping or list."""
        for length in range(len(path), 0, -1):
            found = self.lines.get(path[:length])
            if found is not None:
                return found
        return None


def read_yaml(text: str | bytes, name: str) -> YamlText:
    """Read one YAML document (JSON is YAML).

    Raises:
        RegistryError: it is not YAML, has a duplicate key, or its aliases expand beyond the limit.
    """
    try:
        return _read(text, name, _LOADER)
    except yaml.YAMLError:
        # Error messages always come from the pure-Python loader.
        return _read_strictly(text, name)


def _read_strictly(text: str | bytes, name: str) -> YamlText:
    try:
        return _read(text, name, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise RegistryError(f"{name}: not YAML{place}: {_words(error)}") from None


def _read(text: str | bytes, name: str, loader_class: Any) -> YamlText:
    loader = loader_class(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return YamlText(value=None, lines={})
        _check_size(node, name)
        problems = [*_repeated(node), *scalar_problems(_scalars(node), loader)]
        if problems:
            raise InvalidRegistryError(name, problems)
        # A document on one line, such as a version on the topic, has no useful line numbers.
        lines = dict(_lines(node, ())) if node.end_mark.line > 1 else {}
        return YamlText(value=loader.construct_document(node), lines=lines)
    except RecursionError:
        raise RegistryError(f"{name}: nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise RegistryError(f"{name}: invalid date or number: {error}") from None
    except (LookupError, AttributeError, TypeError):
        # PyYAML's error for a value that does not match its tag, such as `!!bool maybe`.
        raise RegistryError(f"{name}: a value does not match its tag; remove the tag") from None
    finally:
        loader.dispose()


def read_json(text: str | bytes, name: str) -> YamlText:
    """Read a registry as JSON, the form of versions on the topic; lines are unknown.

    Raises:
        RegistryError: it is not a JSON object, or has too many levels or values.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RegistryError(f"{name}: not JSON: {error.msg} at byte {error.pos}") from None
    if not isinstance(value, dict):
        raise RegistryError(f"{name}: expected a JSON object")
    too_much = overgrown(value)
    if too_much is not None:
        field, what = too_much
        raise RegistryError(f"{name}: {f'{field}: ' if field else ''}{what}")
    return YamlText(value=value, lines={})


def _words(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable")


def _check_size(node: yaml.Node, name: str) -> None:
    """Reject a document that refers to itself, or whose aliases multiply."""
    sizes: dict[int, int] = {}

    def size(each: yaml.Node, above: tuple[int, ...]) -> int:
        if id(each) in above:
            raise RegistryError(f"{name}: an alias at line {_line(each)} refers to itself")
        if len(above) > _DEEPEST:
            raise RegistryError(f"{name}: nested too deeply at line {_line(each)}")
        if id(each) not in sizes:
            way = (*above, id(each))
            sizes[id(each)] = 1 + sum(size(child, way) for child in _children(each))
        return sizes[id(each)]

    if size(node, ()) > _MOST_VALUES:
        raise RegistryError(f"{name}: more than {_MOST_VALUES} values after expansion of aliases")


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _repeated(node: yaml.Node, path: Path = ()) -> Iterator[Problem]:
    if isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _repeated(value, (*path, str(number)))
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[tuple[str, Any], int] = {}
    for key, value in node.value:
        inside = (*path, _key(key))
        if isinstance(key, yaml.ScalarNode):
            same = (key.tag, key.value)
            if same in first:
                yield Problem(
                    path=".".join(inside),
                    message=f"duplicate key, first at line {first[same]}",
                    line=_line(key),
                )
            first.setdefault(same, _line(key))
        yield from _repeated(value, inside)


def _lines(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inside = (*path, _key(key))
            yield inside, _line(key)
            yield from _lines(value, inside)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            inside = (*path, str(number))
            yield inside, _line(value)
            yield from _lines(value, inside)


def _scalars(node: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, Path]]:
    """Yield every scalar but text, keys included, with its path."""
    left: list[tuple[yaml.Node, Path]] = [(node, ())]
    while left:
        each, path = left.pop()
        if isinstance(each, yaml.ScalarNode):
            if each.tag != TEXT:
                yield each, path
        elif isinstance(each, yaml.MappingNode):
            for key, value in reversed(each.value):
                inside = (*path, str(key.value) if isinstance(key, yaml.ScalarNode) else "?")
                left += [(value, inside), (key, inside)]
        elif isinstance(each, yaml.SequenceNode):
            left += [(value, (*path, str(number))) for number, value in enumerate(each.value)]


def _key(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "?"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
