"""An invalid registry file gives the path and the permitted values; equal content has one hash."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.devstack.registry import local_registry
from schemas.errors import RegistryError
from streams.registry.version import parse_registry

GOOD: dict[str, Any] = yaml.safe_load(local_registry("http://127.0.0.1:1"))


def _changed(path: str, value: Any) -> str:
    """The good document with one place set, as JSON; `...` deletes it."""
    document = orjson.loads(orjson.dumps(GOOD))
    *parents, last = path.split("/")
    place = document
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return orjson.dumps(document).decode()


WRONG = {
    "unknown key": ("colour", "red", "colour: unknown key"),
    "unknown key inside": ("policy/cascade/treshold", 1, r"policy\.cascade\.treshold: unknown key"),
    "no tiers": ("tiers", [], "tiers: "),
    "a tier twice": ("tiers", ["simple", "simple", "moderate", "complex"], "tiers: duplicate name"),
    "a tier without a model": ("tiers", ["simple", "moderate", "complex", "top"], "top has no"),
    "a model of no tier": ("models/gpt-4o/tier", "huge", r"models\.gpt-4o\.tier: huge is not"),
    "no instance": ("models/gpt-4o/instances", [], r"models\.gpt-4o\.instances"),
    "unknown key inside a value of routing": (
        "policy/timeouts",
        {"read": 1},
        r"policy\.timeouts\.read: unknown key",
    ),
    "unknown key inside limits": (
        "models/gpt-4o/instances/0/limits",
        {"rpm": 1},
        r"limits\.rpm: unknown key",
    ),
    "no mapping": ("policy/fallback", 3, r"policy\.fallback: expected a mapping"),
    "a timeout": ("policy/timeouts", {"read_ms": 0}, r"policy\.timeouts\.read_ms: must be above 0"),
    "a capability": ("models/gpt-4o/capabilities", ["fly"], "must be one of .*vision"),
    "a classifier": ("policy/classifier", "magic", r"policy\.classifier: must be one of .*rules"),
    "a scorer": ("policy/cascade/confidence", "luck", "must be one of .*checks"),
    "a threshold": ("policy/cascade/thresholds", {"simple": 2}, "thresholds"),
    "a threshold of no tier": ("policy/cascade/thresholds", {"top": 0.5}, "top is not a tier"),
    "a rule of no tier": ("policy/static/0/tier", "top", r"policy\.static\.0\.tier: top"),
    "a rule that matches all": ("policy/static/0/when", {}, "name at least one"),
    "a baseline of no model": ("baseline", "gpt-9", "baseline: gpt-9 is not one of"),
    "a key in the file": (
        "models/gpt-4o/instances",
        [{"name": "a", "base_url": "https://x.example", "api_key": "sk-1"}],
        "api_key: unknown key",
    ),
    "a password in an address": (
        "models/gpt-4o/instances",
        [{"name": "a", "base_url": "https://me:pw@x.example"}],
        "base_url",
    ),
    "a version that is no header value": (
        "models/gpt-4o/instances",
        [{"name": "a", "base_url": "https://x.example", "api_version": "2024\nx-evil: 1"}],
        "api_version: expected 1 to 64 letters, digits",
    ),
    "a version beyond ASCII": (
        "models/gpt-4o/instances",
        [{"name": "a", "base_url": "https://x.example", "api_version": "版本"}],
        "api_version: expected 1 to 64 letters, digits",
    ),
    "a query in an address": (
        "models/gpt-4o/instances",
        [{"name": "a", "base_url": "https://x.example/v1?a=b"}],
        "base_url: must not have a query or a fragment",
    ),
    "an instance twice": (
        "models/gpt-4o/instances",
        [{"name": "a", "base_url": "https://x.example"}] * 2,
        "instances: duplicate name",
    ),
    "an llm classifier without a model": (
        "policy/classifier",
        "llm",
        r"policy\.llm: set the model",
    ),
    "an llm classifier's unknown model": (
        "policy/llm",
        {"model": "gpt-9"},
        r"policy\.llm\.model: gpt-9 is not one",
    ),
    "a judge that is no model": (
        "policy/judge",
        {"model": "gpt-9"},
        r"policy\.judge\.model: gpt-9",
    ),
    "a grey band without a judge": ("policy/cascade/grey", {"low": 0.4}, r"policy\.judge: set"),
    "a grey band upside down": (
        "policy/cascade/grey",
        {"low": 0.8, "high": 0.4, "look": "consistency"},
        "low must be below",
    ),
    "an unknown look": ("policy/cascade/grey", {"look": "dice"}, "must be one of consistency"),
    "a stop that can not be weighed": (
        "policy/cascade/stop",
        "worth",
        "requires confidence: learned",
    ),
    "shadows without a limit": ("policy/shadow", {"share": 0.1}, r"policy\.shadow\.usd_per_day"),
    "an experiment of one arm": (
        "experiments",
        {"e": {"arms": {"a": {}}}},
        r"experiments\.e\.arms",
    ),
    "an arm with an unknown key": (
        "experiments",
        {"e": {"arms": {"a": {}, "b": {"policy": {"clasifier": "rules"}}}}},
        r"experiments\.e\.arms\.b does not validate:\n  policy\.clasifier: unknown key",
    ),
    "an arm whose policy does not hold": (
        "experiments",
        {"e": {"arms": {"a": {}, "b": {"policy": {"classifier": "llm"}}}}},
        r"experiments\.e\.arms\.b .*policy\.llm",
    ),
    "an arm without weight": (
        "experiments",
        {"e": {"arms": {"a": {}, "b": {"weight": 0}}}},
        r"arms\.b\.weight",
    ),
    "a negative price": ("models/gpt-4o/price", {"input": -1, "output": 1}, "price"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_invalid_value_is_named_by_its_path(kind: str) -> None:
    path, value, message = WRONG[kind]
    with pytest.raises(RegistryError, match=f"(?s){message}"):
        parse_registry(_changed(path, value))


def test_an_error_never_quotes_what_was_written() -> None:
    secret = "sk-" + "9" * 20
    with pytest.raises(RegistryError) as caught:
        parse_registry(_changed("models/gpt-4o/context_window", secret))
    assert secret not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "tiers: [", "\x00", "- a\n- b"])
def test_text_that_is_no_registry_is_an_error(text: str) -> None:
    with pytest.raises(RegistryError):
        parse_registry(text)


FIRST = parse_registry(yaml.safe_dump(GOOD))


@given(st.randoms(use_true_random=False))
def test_order_and_spelling_make_no_new_version(chance: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = list(value.items())
            chance.shuffle(items)
            return {key: shuffled(each) for key, each in items}
        return value

    again = parse_registry("# another comment\n" + yaml.safe_dump(shuffled(GOOD), sort_keys=False))

    assert again.hash == FIRST.hash
    assert again.content == FIRST.content


def test_a_default_that_is_written_out_makes_no_new_version() -> None:
    assert parse_registry(_changed("policy/cascade/enabled", True)).hash == (
        parse_registry(orjson.dumps(GOOD)).hash
    )


def test_a_version_reads_itself_back() -> None:
    version = parse_registry(orjson.dumps(GOOD))

    again = parse_registry(version.content)
    assert (again.hash, again.snapshot) == (version.hash, version.snapshot)


def test_another_threshold_is_another_version() -> None:
    assert parse_registry(_changed("policy/cascade/default_threshold", 0.51)).hash != (
        parse_registry(orjson.dumps(GOOD)).hash
    )


def test_models_beyond_the_bound_are_refused_at_once() -> None:
    instance = {"name": "a", "base_url": "http://localhost/1"}
    model = {"provider": "openai", "tier": "a", "instances": [instance]}
    for count in (1_001, 10_000):
        document = {"tiers": ["a"], "models": {f"m{number}": model for number in range(count)}}
        with pytest.raises(RegistryError, match="models"):
            parse_registry(orjson.dumps(document), is_json=True)


@pytest.mark.parametrize(
    "text", [b"[]", b"1", b"", b"[" * 3_000, b'{"a":' * 200 + b"1" + b"}" * 200]
)
def test_a_version_that_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(RegistryError):
        parse_registry(text, is_json=True)


def test_instances_and_static_rules_beyond_their_bounds_are_refused() -> None:
    instances = [{"name": f"i{n}", "base_url": "http://localhost/1"} for n in range(501)]
    models = {
        f"m{n}": {"provider": "openai", "tier": "a", "instances": instances} for n in range(10)
    }
    with pytest.raises(RegistryError, match="models: more than 5,000 instances"):
        parse_registry(orjson.dumps({"tiers": ["a"], "models": models}), is_json=True)
    models = {"m": {"provider": "openai", "tier": "a", "instances": instances[:1]}}
    rules = [{"when": {"feature": ["faq"]}, "tier": "a"}] * 2_001
    document = {"tiers": ["a"], "models": models, "policy": {"static": rules}}
    with pytest.raises(RegistryError, match=r"policy\.static"):
        parse_registry(orjson.dumps(document), is_json=True)
