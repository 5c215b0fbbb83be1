"""An answer is validated against a caller's schema without hanging or exhausting memory."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.confidence.schema_misfit import misfit
from tests.unit.routing.confidence.test_checks_schema_work import BRANCHING, doubling

GENEROUS_SECONDS = 60


def _misfit(value: Any, schema: Any) -> str | None:
    return misfit(value, 100, schema)


HANGING = """
from streams.routing.confidence.schema_misfit import misfit
for pattern in ("^(a+)+$", "^(a|aa)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"):
    for text in ("a" * 20_000 + "!", "x" * 20_000, "ab" * 10_000):
        for times in (1, 3):
            text = text * times
            misfit(text, len(text), {"pattern": pattern})
            misfit({text: 1}, len(text), {"patternProperties": {pattern: {}}})
            misfit({text: 1}, len(text), {"propertyNames": {"pattern": pattern}})
"""
# Its own peak, in kB: `getrusage` includes the process that started it.
FLOODING = """
from pathlib import Path
from streams.routing.confidence.schema_misfit import misfit
value = {str(number): "x" * 40 for number in range(4_000)}
wanted = {"anyOf": [{"type": "string"}] * 1_500}
assert misfit(value, 200_000, wanted) == "the value breaks its schema"
status = Path("/proc/self/status")
if status.exists():
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 400_000
"""


@pytest.mark.parametrize("script", [HANGING, FLOODING], ids=["time", "memory"])
def test_no_schema_hangs_or_floods_the_process(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=True, timeout=GENEROUS_SECONDS)


@pytest.mark.parametrize("value", ["aaa", "aaab"])
def test_patterns_that_backtrack_elsewhere_are_answered(value: str) -> None:
    assert (_misfit(value, {"pattern": "^(a+)+$"}) is None) is (value == "aaa")


@pytest.mark.parametrize("pattern", [r"^(?=.*\d)\w+$", r"(a)\1", "(?<!x)y", "(", r"\w{5000}"])
def test_a_pattern_beyond_linear_time_is_ignored_and_the_rest_of_the_schema_applies(
    pattern: str,
) -> None:
    schema = {"properties": {"a": {"type": "string", "pattern": pattern}}}

    assert _misfit({"a": "b"}, schema) is None
    assert _misfit({"a": 5}, schema) == "a breaks `type`"


def test_a_pattern_that_is_data_or_a_property_name_is_kept() -> None:
    data = {"properties": {"a": {"const": {"pattern": "("}}, "pattern": {"type": "string"}}}
    schema = {**data, "pattern": "("}

    assert _misfit({"a": {"pattern": "("}, "pattern": "("}, schema) is None
    assert _misfit({"a": {}}, schema) == "a breaks `const`"
    assert _misfit({"pattern": 5}, schema) == "pattern breaks `type`"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubling(50), []),
        (BRANCHING, {"a": 1}),
        ({"type": "string", "not": {"$ref": "#"}}, 5),
        ({"allOf": [{"type": "string"}] * 6_000}, 5),
    ],
    ids=["doubling", "recursive", "no progress", "wide"],
)
def test_a_validation_beyond_its_work_limit_yields_no_fault(schema: Any, value: Any) -> None:
    assert _misfit(value, schema) is None


def test_a_small_schema_of_the_same_kind_is_held() -> None:
    assert _misfit([], doubling(5)) == "the value breaks `type`"
    assert _misfit({"a": {"b": []}}, {"additionalProperties": {"$ref": "#"}, "type": "object"}) == (
        "a.b breaks `type`"
    )


@pytest.mark.parametrize(
    "dialect",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-07/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
        "https://example.org/of-our-own",
    ],
)
def test_every_draft_is_read(dialect: str) -> None:
    schema = {
        "$schema": dialect,
        "definitions": {"day": {"type": "integer"}},
        "properties": {"days": {"type": "array", "items": {"$ref": "#/definitions/day"}}},
    }

    assert _misfit({"days": [1, 2]}, schema) is None
    assert _misfit({"days": [1, "2"]}, schema) == "days.1 breaks `type`"


@pytest.mark.parametrize("schema", [None, True, "x", 5, []])
def test_a_schema_that_is_no_object_yields_no_fault(schema: Any) -> None:
    assert _misfit(5, schema) is None


def test_a_fault_in_a_too_deep_value_has_no_path() -> None:
    deep: Any = 1
    for _ in range(1_000):
        deep = {"a": deep}

    assert _misfit(deep, {"type": "object"}) is None
    assert _misfit(deep, {"type": "string"}) == "the value breaks its schema"


PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
VALUE = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)
KEYWORDS = st.sampled_from(
    [
        *("type", "enum", "const", "pattern", "properties", "items", "allOf", "anyOf", "not", "if"),
        *("$ref", "$schema", "$id", "$dynamicRef", "required", "minimum", "patternProperties"),
        *("additionalProperties", "uniqueItems", "contains", "unevaluatedItems", "dependencies"),
    ]
)
SCHEMA = st.recursive(
    PLAIN | st.sampled_from(["string", "object", "#", "#/$defs/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYWORDS, inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=30,
)


@given(value=VALUE, schema=SCHEMA)
def test_no_schema_makes_it_raise(value: Any, schema: Any) -> None:
    found = _misfit(value, schema)

    assert found is None or "breaks" in found
