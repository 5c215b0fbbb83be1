"""Errors of a registry file name its fields, never the validating library."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.devstack.registry import local_registry
from schemas.errors import RegistryError
from streams.registry.document.document import json_schema
from streams.registry.document.document_problems import PATTERNS
from streams.registry.document.problems import problems_of
from streams.registry.version import parse_registry

GOOD: dict[str, Any] = yaml.safe_load(local_registry("http://127.0.0.1:1")) | {
    "budgets": {"all": {"per": "tenant", "usd": 5}},
    "tenants": {"*": {"requests_per_minute": 5}},
    "alerts": {"rules": {"error_rate": {}}, "webhooks": [{"url": "https://hooks.example.com"}]},
    "experiments": {"e": {"arms": {"a": {}, "b": {"weight": 2}}}},
}
LIBRARY = ("Input should", "Value error", "pydantic", "valid ", "List should", "String should")

MESSAGES = {
    "boundaries": (("policy", "boundaries"), 0.3, "expected a list of two numbers"),
    "boundaries as text": (("policy", "boundaries"), "0.2", "expected a list of two numbers"),
    "a threshold": (("policy", "cascade", "thresholds", "simple"), 2, "must be at most 1"),
    "a feature": (("policy", "static", 0, "when", "feature"), "x", "expected a list of names"),
    "an instance alone": (("models", "gpt-4o", "instances"), {}, "expected a list of mappings"),
    "no mapping": (("policy",), None, "expected a mapping"),
    "a number as text": (("models", "gpt-4o", "max_output"), "lots", "expected a whole number"),
    "half a token": (("models", "gpt-4o", "max_output"), 1.5, "expected a whole number"),
    "a number as name": (("baseline",), 4, "expected text"),
    "yes as name": (("models", "gpt-4o", "provider"), True, "expected text"),
    "an address without a scheme": (
        ("models", "gpt-4o", "instances", 0, "base_url"),
        "api.example.com",
        "expected an address http",
    ),
    "a key instead of its name": (
        ("models", "gpt-4o", "instances", 0, "api_key_env"),
        "sk-123",
        "expected the name of an environment variable",
    ),
    "a quality": (("policy", "quality"), "good", "must be one of economy, balanced, best"),
    "a budget of nothing": (("budgets", "all", "usd"), 0, "must be above 0"),
    "a budget without a sum": (("budgets", "all", "usd"), ..., "is missing"),
    "one arm": (("experiments", "e", "arms"), {"a": {}}, "needs at least 2 entries"),
}


def _changed(path: tuple[Any, ...], value: Any) -> str:
    document = orjson.loads(orjson.dumps(GOOD))
    place = document
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_field_s_error_names_the_expected_value(kind: str) -> None:
    path, value, message = MESSAGES[kind]

    with pytest.raises(RegistryError) as caught:
        parse_registry(_changed(path, value))

    wanted = f"{'.'.join(str(each) for each in path)}: {message}"
    assert any(line.strip().startswith(wanted) for line in str(caught.value).splitlines()), (
        caught.value
    )


def test_a_wrong_instance_is_not_also_reported_as_missing() -> None:
    path = ("models", "gpt-4o", "instances", 0, "base_url")

    with pytest.raises(RegistryError) as caught:
        parse_registry(_changed(path, 5))

    assert len(str(caught.value).splitlines()) == 2


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [each for key in value for each in _paths(value[key], (*path, key))]
    elif isinstance(value, list):
        inner = [each for at, item in enumerate(value) for each in _paths(item, (*path, at))]
    return [*([path] if path else []), *inner]


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.just(...),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_paths(GOOD)), ANYTHING)
def test_no_wrong_type_shows_the_library_s_message(path: tuple[Any, ...], value: Any) -> None:
    message = ""
    try:
        parse_registry(_changed(path, value))
    except RegistryError as error:
        message = str(error)

    assert not [word for word in LIBRARY if word in message], message


@pytest.mark.parametrize("field", ["context_window", "max_output"])
def test_a_number_beyond_all_bounds_is_an_error_of_ours(field: str) -> None:
    with pytest.raises(RegistryError, match=f"{field}: the number exceeds 64 bits"):
        parse_registry(_changed(("models", "gpt-4o", field), 10**20))


def test_every_pattern_of_the_file_has_a_message() -> None:
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("pattern"), str):
                found.add(value["pattern"])
            found.update(value.get("patternProperties", ()))
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(json_schema())
    numbers = {pattern for pattern in found if r"\d*\.?\d*" in pattern}
    assert found - numbers == set(PATTERNS)


def test_a_missing_artifact_is_reported_by_path_and_line() -> None:
    text = local_registry("http://127.0.0.1:1").replace(
        "classifier: rules", "classifier: learned\n  learned: {artifact: 0123456789abcdef}"
    )

    with pytest.raises(RegistryError) as caught:
        parse_registry(text, name="registry.yaml")

    (problem,) = problems_of(caught.value)
    assert problem.path == "policy.learned.artifact"
    assert problem.message.startswith("artifact 0123456789abcdef is neither")
    assert problem.line == 1 + text[: text.index("learned: {")].count("\n")
