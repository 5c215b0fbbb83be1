"""YAML is read with its lines; ambiguous constructs are errors."""

from __future__ import annotations

import pytest

from infra.devstack.registry import local_registry
from schemas.errors import RegistryError
from streams.registry.document.problems import InvalidRegistryError, problems_of
from streams.registry.document.yaml_text import read_yaml
from streams.registry.version import parse_registry

TEXT = local_registry("http://127.0.0.1:1")

REPEATED = {
    "at the top": ("baseline: claude-opus-4-20250514", "tiers: [a]\n", "tiers"),
    "a model": ("policy:\n", "  gpt-4o: {provider: openai}\npolicy:\n", "models.gpt-4o"),
    "in flow style": ("thresholds: {simple: 0.6,", None, "policy.cascade.thresholds.simple"),
}


@pytest.mark.parametrize("kind", REPEATED)
def test_a_duplicate_key_is_named_with_both_lines(kind: str) -> None:
    place, more, path = REPEATED[kind]
    text = (
        TEXT.replace(place, f"{place} simple: 0.9,") if more is None else TEXT.replace(place, more)
    )

    with pytest.raises(InvalidRegistryError) as caught:
        parse_registry(text)

    (problem,) = problems_of(caught.value)
    assert problem.path == path
    assert problem.line is not None
    assert path.rsplit(".", 1)[-1] in text.splitlines()[problem.line - 1]
    assert "duplicate key, first at line" in problem.message


def test_a_duplicate_key_in_json_is_an_error() -> None:
    with pytest.raises(RegistryError, match="tiers: duplicate key"):
        parse_registry('{"tiers": ["a"],\n "tiers": ["b"]}')


def test_the_same_key_in_two_mappings_is_no_repetition() -> None:
    assert read_yaml("a: {x: 1}\nb: {x: 1}\n", "f").value == {"a": {"x": 1}, "b": {"x": 1}}


def test_a_wrong_value_is_named_with_its_line() -> None:
    text = TEXT.replace("context_window: 200000", "context_window: much", 1)

    with pytest.raises(InvalidRegistryError) as caught:
        parse_registry(text)

    (problem,) = caught.value.problems
    assert problem.path == "models.claude-3-5-haiku-20241022.context_window"
    assert problem.line is not None
    assert "context_window: much" in text.splitlines()[problem.line - 1]
    assert f"(line {problem.line})" in str(caught.value)


def test_problems_of_several_fields_have_one_line_each() -> None:
    text = TEXT.replace("baseline: claude-opus-4-20250514", "baseline: gpt-9").replace(
        "tier: moderate", "tier: huge"
    )

    with pytest.raises(InvalidRegistryError) as caught:
        parse_registry(text)

    paths = {problem.path for problem in caught.value.problems}
    assert {"baseline", "models.gpt-4o.tier"} <= paths
    assert all(problem.line for problem in caught.value.problems)


UNREADABLE = {
    "not closed": "tiers: [a",
    "a date that is none": "tiers: 2026-13-45",
    "no UTF-8": b"\xff\xfe\xff",
    "a control sign": "tiers: \x07",
    "two documents": "a: 1\n---\nb: 2\n",
    "a tag of Python": "a: !!python/object/apply:os.system [ls]",
    "an alias to itself": "a: &x [*x]",
    "an alias to nothing": "a: *x",
    "a key that is a list": "? [a, b]\n: 1",
    "very deep": "[" * 2_000 + "]" * 2_000,
    "aliases that multiply": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
        for old, new in zip("abcdefg", "bcdefgh", strict=True)
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_yaml_is_a_registry_error(kind: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_registry(UNREADABLE[kind], name="mine.yaml")

    assert str(caught.value).startswith("mine.yaml")


@pytest.mark.parametrize(
    "value", ["!!bool maybe", "!!timestamp soon", "!!int ''", "!!int '-'", "!!float ''", "!!int x"]
)
def test_a_value_that_does_not_fit_its_tag_is_an_error_of_the_registry(value: str) -> None:
    with pytest.raises(InvalidRegistryError) as caught:
        parse_registry(f"tiers:\n- a\n- {value}")
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("tiers.1", 3)


NUMBERS = {
    "base 60": ("12:30", "base 60"),
    "base 60, with a fraction": ("1:30.5", "base 60"),
    "no number": (".nan", "expected a finite number"),
    "infinity": (".inf", "expected a finite number"),
    "below all": ("-.Inf", "expected a finite number"),
    "beyond doubles": ("1.0e+400", "expected a finite number"),
    "beyond 64 bits": ("9" * 20 + "9", "exceeds 64 bits"),
    "beyond Python's digits": ("9" * 5_000, "too many digits"),
    "a truth value": ("yes", "expected a number"),
    "a date that is none": ("2026-13-45", "not a date or number that exists"),
}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("    max_output: 8192", "models.{model}.max_output"),
        ("    expected_latency_ms: 1", "models.{model}.expected_latency_ms"),
        ("    price: {{input: 1, output: 1}}", "models.{model}.price.output"),
        ("policy:\n  retrieval: {{weak_score: 1}}", "policy.retrieval.weak_score"),
        ("policy:\n  cascade: {{max_hops: 1}}", "policy.cascade.max_hops"),
        ("budgets: {{b: {{per: tenant, usd: 1}}}}", "budgets.b.usd"),
    ],
)
def test_what_is_no_number_is_named_with_its_path_and_line(kind: str, line: str, path: str) -> None:
    value, message = NUMBERS[kind]
    written = line.format().replace("output: 1}", f"output: {value}}}")
    if written == line.format():
        head, _, rest = written.rpartition(": ")
        written = f"{head}: {value}{rest.lstrip('0123456789')}"
    model = "\n".join(
        [
            "tiers: [a]",
            "models:",
            "  m:",
            "    provider: openai",
            "    tier: a",
            '    instances: [{name: one, base_url: "http://localhost/1"}]',
        ]
    )
    with pytest.raises(InvalidRegistryError) as caught:
        parse_registry(f"{model}\n{written}\n")
    (problem,) = caught.value.problems
    assert problem.path == path.format(model="m")
    assert message in problem.message
    assert problem.line == 6 + len(written.splitlines())


def test_a_truth_value_in_an_arm_s_policy_is_named() -> None:
    text = TEXT + (
        "experiments:\n  e:\n    arms:\n      a: {}\n      b:\n        policy:\n"
        "          cascade: {default_threshold: on}\n"
    )
    with pytest.raises(InvalidRegistryError) as caught:
        parse_registry(text)
    (problem,) = caught.value.problems
    assert problem.path == "cascade.default_threshold"
    assert problem.line == len(text.splitlines())


def test_truth_values_and_numbers_in_their_places_are_valid() -> None:
    parse_registry(TEXT.replace("store_prompts: false", "store_prompts: yes"))
