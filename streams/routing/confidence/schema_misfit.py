"""Validation of a value against a caller's JSON Schema, with bounded work.

Regular expressions are those of Rust's `regex` crate: linear in the text (`^(a+)+$` does not
backtrack; look-around and back-references do not exist) and of limited size. References stay within
the schema; nothing is fetched (design, law 9). Input that is too large, too deep or too much work
is not validated. An invalid schema finds no misfit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from schemas.encoding import exact_json
from streams.routing.confidence.schema_work import (
    TooMuchWorkError,
    UnreadableSchemaError,
    check_size,
    count_steps,
)

_PATTERNS = jsonschema_rs.RegexOptions(size_limit=100_000, dfa_size_limit=1_000_000)
"""Bytes of a compiled expression and of its cache."""

_DIALECTS = (
    "http://json-schema.org/draft-04/schema",
    "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)
_DATA = frozenset({"enum", "const", "default", "examples"})
"""Keywords that hold values, not schemas."""

_EXPLAINED = 5_000_000
"""Steps times characters up to which the location of a misfit is computed: an error of the
validator carries a copy of the value for each alternative tried.
"""


def misfit(value: Any, characters: int, schema: Any) -> str | None:
    """Return where a value, parsed from `characters` of JSON, violates a schema; `None` if it is
    valid.
    """
    if not isinstance(schema, dict):
        return None
    try:
        check_size(schema)
        schema = exact_json.plain(schema)
        steps = count_steps(schema, value)
        validator = _validator(_of_a_known_dialect(schema))
        if validator.is_valid(value):
            return None
    except (TooMuchWorkError, UnreadableSchemaError):
        return None
    except Exception:  # noqa: BLE001 - a caller's schema can fail the validator in any way
        return None
    if steps * characters > _EXPLAINED:
        return "the value breaks its schema"
    return _place(validator, value)


def _place(validator: jsonschema_rs.Validator, value: Any) -> str:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        path = ".".join(str(part) for part in error.instance_path) or "the value"
        return f"{path} breaks `{error.kind.name}`"
    except ValueError:
        pass
    return "the value breaks its schema"


def _of_a_known_dialect(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema, as the latest draft if it names an unknown dialect."""
    dialect = schema.get("$schema")
    if not isinstance(dialect, str) or dialect.rstrip("#") in _DIALECTS:
        return dict(schema)
    return {name: part for name, part in schema.items() if name != "$schema"}


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    try:
        return _compiled(schema)
    except ValueError:
        return _compiled(_without_unsupported_patterns(schema))


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        schema, pattern_options=_PATTERNS, validate_formats=False, offline=True
    )


def _without_unsupported_patterns(schema: Any) -> Any:
    """Return the schema without patterns that can't be matched in linear time; these are not
    checked.
    """
    if isinstance(schema, list):
        return [_without_unsupported_patterns(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: part if name in _DATA else _without_unsupported_patterns(part)
        for name, part in schema.items()
        if not (name == "pattern" and isinstance(part, str) and _is_unsupported(part))
    }


def _is_unsupported(pattern: str) -> bool:
    try:
        _compiled({"pattern": pattern})
    except ValueError:
        return True
    return False
