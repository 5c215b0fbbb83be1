"""A model gets the names of `extra_body` that its registry entry lists, and no others."""

from __future__ import annotations

import pytest

from schemas.errors import RegistryError
from streams.registry.version import parse_registry
from streams.routing.extra_names import NEVER, USUAL
from streams.routing.parameters.extra_body import extra_notes, refused_names, with_listed_extra
from streams.routing.snapshot import Model

REGISTRY = """
tiers: [simple]
models:
  usual: {provider: openai, tier: simple, instances: [{name: a, base_url: "http://localhost/1"}]}
  own: {provider: openai, tier: simple, extra_body: [service_tier, top_k],
    instances: [{name: a, base_url: "http://localhost/1"}]}
  none: {provider: openai, tier: simple, extra_body: [],
    instances: [{name: a, base_url: "http://localhost/1"}]}
"""
MODELS = parse_registry(REGISTRY).snapshot.models
BODY = {"messages": [], "extra_body": {"top_k": 4, "service_tier": "priority", "guided_json": {}}}


def _sent(model: Model) -> set[str]:
    return set(with_listed_extra(BODY, model)["extra_body"] or {})


def test_a_model_gets_what_its_entry_lists_and_by_default_the_usual_parameters() -> None:
    assert _sent(MODELS["usual"]) == {"top_k", "guided_json"}
    assert _sent(MODELS["own"]) == {"top_k", "service_tier"}
    assert _sent(MODELS["none"]) == set()


def test_an_omitted_extra_body_name_is_noted() -> None:
    assert extra_notes(BODY, MODELS["own"]) == (
        "extra_body.guided_json left out, own does not take it",
    )
    assert extra_notes({"messages": []}, MODELS["none"]) == ()


def test_a_name_is_refused_only_if_no_model_accepts_it() -> None:
    body = {"extra_body": {"top_k": 1, "service_tier": "flex", "mcp_servers": [], "a\x1b[2J": 1}}

    assert refused_names(body, MODELS.values()) == ("mcp_servers", "?")
    assert refused_names(body, (MODELS["usual"],)) == ("service_tier", "mcp_servers", "?")
    assert refused_names({}, MODELS.values()) == ()
    assert refused_names({"extra_body": {"top_k": 1}}, (MODELS["usual"],)) == ()


@pytest.mark.parametrize(
    "name", ["models", "tools", "service_tier", "web_search_options", "mcp_servers", "best_of", "n"]
)
def test_the_default_names_exclude_models_tools_and_separately_billed_options(name: str) -> None:
    assert name not in USUAL


@pytest.mark.parametrize("name", sorted(NEVER))
def test_an_entry_may_not_list_fields_that_routing_depends_on(name: str) -> None:
    with pytest.raises(RegistryError, match="extra_body: must not list"):
        parse_registry(REGISTRY.replace("service_tier, top_k", name))


def test_a_registry_without_lists_keeps_its_hash() -> None:
    plain = REGISTRY.replace("extra_body: [service_tier, top_k],", "").replace(
        "extra_body: [],", ""
    )
    assert b"extra_body" not in parse_registry(plain).content
