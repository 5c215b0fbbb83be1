"""Makes the cases of the record from the shipped workload and from lists of situations.

Only `record` uses this, when a kind of decision gets new cases; the record contains every input, so
that it does not change with the workload.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from infra.workload.golden import GoldenPrompt, golden_file, read_golden
from infra.workload.sample import BAR, SampleRequest, load_workload
from schemas.identity import DEFAULT_TENANT
from schemas.request import read_request
from streams.routing.decision import RoutingRequest
from tests.recorded.deciding import registry_names

NOW = 1_764_000_000_000
CLASSIFYING = (
    *("rules", "rules-equal-shares", "rules-by-feature", "article-4", "article-ex1"),
    *("learned", "learned-with-boundaries", "learned-best", "llm", "llm-with-boundaries"),
    *("hybrid-llm", "hybrid-learned", "static", "experiment"),
)
STREAMING = "learned-streaming"
ANSWERING = ("rules", "article-4", "article-ex1", "learned", "learned-with-boundaries",
             "learned-best", "rules-by-feature")  # fmt: skip
PROMPTS_EACH = 24
ANSWERS_EACH = 22
Case = dict[str, Any]


def all_cases() -> Iterator[Case]:
    """Every case, without what it expects."""
    chance = random.Random(4)
    assert set(CLASSIFYING) | set(ANSWERING) <= set(registry_names())
    for name in CLASSIFYING:
        yield from _starts(name, chance)
    yield from _pins()
    for name in ANSWERING:
        yield from _answers(name, chance)
    yield from _faulty()
    yield from _calls(chance)
    yield from _failures(chance)
    yield from _budgets(chance)
    for number in range(12):
        given = {"identity": f"t/r{number}", "answered": ("simple", "complex")[number % 2]}
        yield _case("shadow", "shadow", str(number), given)
    yield from _starts(STREAMING, chance)


def _case(kind: str, registry: str, name: str, given: Mapping[str, Any]) -> Case:
    return {
        "id": f"{kind}/{registry}/{name}",
        "kind": kind,
        "registry": registry,
        "given": dict(given),
    }


def _subject(document: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    request = read_request(dict(document))
    subject = RoutingRequest.of(request, request.tenant or DEFAULT_TENANT)
    names = ("body", "tenant", "model", "tier", "user_id", "user_tier", "feature", "quality",
             "retrieval_scores", "retrieval_query_type", "metadata")  # fmt: skip
    plain = {name: getattr(subject, name) for name in names}
    kept = {name: value for name, value in plain.items() if value}
    return {**kept, "metadata": dict(subject.metadata), **more}


def _starts(name: str, chance: random.Random) -> Iterator[Case]:
    golden = read_golden(golden_file())
    for place, prompt in enumerate(_spread(golden, chance)):
        more: dict[str, Any] = {}
        if name == "experiment":
            more = {"user_id": f"user-{place}", "feature": ("legal", None)[place % 2]}
        if name == "static":
            more = _static(place)
        if name == "rules-by-feature":
            more = {"feature": ("legal", "faq", "other")[place % 3]}
        given: dict[str, Any] = {
            "subject": _subject(prompt.request, **more),
            "now": NOW + place,
            "time_left_ms": 600_000 - place,
        }
        if "learned" in name:
            given["costs"] = _costs(place)
        if "llm" in name:
            given["opinion"] = _opinion(place)
        if name == STREAMING:
            given["stream"] = place % 2 == 0
        yield _case("start", name, prompt.id, given)


def _spread(golden: tuple[GoldenPrompt, ...], chance: random.Random) -> list[GoldenPrompt]:
    """Prompts of every category; different ones for each registry."""
    known = [each for each in golden if each.request.get("model") is None]
    return chance.sample(known, PROMPTS_EACH)


def _static(place: int) -> dict[str, Any]:
    return (
        {"feature": "status_check"},
        {"tenant": "acme", "user_tier": "enterprise"},
        {"tenant": "acme", "user_tier": "free"},
        {"metadata": {"region": "eu", "team": "x"}},
        {},
    )[place % 5]


def _costs(place: int) -> dict[str, int | None]:
    return (
        {"simple": 90_000, "moderate": 1_500_000, "complex": 9_000_000},
        {"simple": 90_000, "moderate": None, "complex": 9_000_000},
        {"simple": 400_000, "moderate": 500_000, "complex": 600_000},
        {},
    )[place % 4]


def _opinion(place: int) -> dict[str, Any] | None:
    return (
        {"tier": "simple", "score": 0.1, "reason": "short fact", "call_id": "c1"},
        {"tier": "complex", "score": 0.9, "reason": "a proof", "call_id": "c2"},
        {"tier": "moderate", "cached": True},
        {"failed": "timeout", "call_id": "c3"},
        {"failed": "paused"},
        None,
    )[place % 6]


def _pins() -> Iterator[Case]:
    for name, more in (
        ("model", {"model": "middle-1"}),
        ("unknown-model", {"model": "nobody"}),
        ("tier", {"tier": "complex"}),
        ("unknown-tier", {"tier": "nowhere"}),
        ("both", {"model": "small-1", "tier": "complex"}),
    ):
        for registry in ("rules", "experiment", "llm"):
            subject = _subject({"prompt": "Hello", "user_id": "u"}, **more)
            given = {"subject": subject, "now": NOW, "time_left_ms": 1_000}
            yield _case("start", registry, f"pin-{name}", given)


def _answers(name: str, chance: random.Random) -> Iterator[Case]:
    sample = [each for each in load_workload() if each.answers]
    weak = [each for each in sample if each.scores["simple"] < BAR]
    drawn = chance.sample(weak, ANSWERS_EACH) + chance.sample(sample, ANSWERS_EACH // 2)
    chosen = {each.id: each for each in drawn}.values()
    for place, each in enumerate(chosen):
        strength = ("simple", "simple", "moderate", "simple", "complex")[place % 5]
        answer = each.answers[strength]
        given = {
            "body": dict(read_request(dict(each.request)).body),
            "message": _message(answer),
            "finish_reason": _finish(answer),
            "model": {"simple": "small-1", "moderate": "middle-1", "complex": "large-1"}[strength],
            "standing": _standing(each, strength, place),
        }
        if place % 4 == 0:
            given["logprobs"] = [-0.05, -0.4, -1.2, 0.0]
        yield _case("answer", name, f"{each.id}-{strength}", given)


def _faulty() -> Iterator[Case]:
    """One answer for each fault that is plain to see, and its faultless twin."""
    look_up = {"name": "look_up", "parameters": {"type": "object", "required": ["city"]}}
    tools = {"tools": [{"type": "function", "function": look_up}], "tool_choice": "required"}
    as_json = {"response_format": {"type": "json_object"}}
    good_call, bad_call = (
        {"text": None, "tool_calls": [{"name": "look_up", "arguments": arguments}]}
        for arguments in ({"city": "Oslo"}, {"town": "Oslo"})
    )
    situations: tuple[tuple[str, dict[str, Any], Mapping[str, Any]], ...] = (
        ("empty", {}, {"text": "  "}),
        ("short", {}, {"text": "Paris"}),
        ("truncated", {}, {"text": "First, one has to", "finish": "length"}),
        ("refusal", {}, {"text": "I'm sorry, but I can't help with that."}),
        ("repetition", {}, {"text": "the same five words again " * 30}),
        ("hedging", {}, {"text": "I think it might be Paris, but I'm not sure. Possibly Lyon."}),
        ("doubt", {}, {"text": "It is 12. Wait, that's not right. Let me reconsider: 14."}),
        ("filtered", {}, {"text": "It is", "finish": "content_filter"}),
        ("json", as_json, {"text": '{"a": 1}'}),
        ("not-json", as_json, {"text": "a: 1"}),
        ("tool", tools, good_call),
        ("no-tool", tools, {"text": "Look it up yourself."}),
        ("tool-arguments", tools, bad_call),
    )
    german = "Bitte erkläre mir, wie das mit der Steuer ist und was ich dafür tun muss."
    english = {"text": "You have to file the form and wait for what the office says to you."}
    for name, body, answer in (
        *situations,
        ("language", {"messages": [{"role": "user", "content": german}]}, english),
    ):
        chat_body = {"messages": [{"role": "user", "content": "Which city is meant?"}], **body}
        for registry in ("rules", "article-4", "learned"):
            given = {
                "body": chat_body,
                "message": _message(answer),
                "finish_reason": _finish(answer),
                "model": "small-1",
                "standing": {"tier": "simple", "hop": 0, "time_left_ms": 60_000.0, "pinned": False},
            }
            yield _case("answer", registry, f"made-{name}", given)


def _message(answer: Mapping[str, Any]) -> dict[str, Any]:
    calls = [
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": call["name"], "arguments": _arguments(call)},
        }
        for number, call in enumerate(answer.get("tool_calls", ()))
    ]
    message: dict[str, Any] = {"role": "assistant", "content": answer.get("text")}
    return message | ({"tool_calls": calls} if calls else {})


def _arguments(call: Mapping[str, Any]) -> str:
    arguments = call["arguments"]
    return arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True)


def _finish(answer: Mapping[str, Any]) -> str:
    return str(answer.get("finish") or ("tool_calls" if answer.get("tool_calls") else "stop"))


def _standing(each: SampleRequest, strength: str, place: int) -> dict[str, Any]:
    return {
        "tier": strength,
        "hop": place % 5 // 2,
        "time_left_ms": (60_000.0, 100.0, 9_000.0)[place % 5 % 3],
        "pinned": place % 7 == 6,
        "feature": each.request.get("feature"),
        "quality": ("balanced", "economy", "best")[place % 3],
        "costs": _costs(place),
    }


def _calls(chance: random.Random) -> Iterator[Case]:
    needs = (
        {"capabilities": [], "context_tokens": 100, "max_output_tokens": None},
        {"capabilities": ["vision"], "context_tokens": 100, "max_output_tokens": None},
        {"capabilities": ["json", "tools"], "context_tokens": 15_500, "max_output_tokens": 900},
        {"capabilities": ["logprobs"], "context_tokens": 190_000, "max_output_tokens": 9_000},
    )
    for number in range(36):
        need = dict(needs[number % 4], time_left_ms=(600_000.0, 350.0, 120.0)[number % 3])
        need["pinned_model"] = (None, None, None, "middle-1")[number // 4 % 4]
        need["spread"] = f"t/r{number}/0"
        given = {
            "tier": ("simple", "moderate", "complex")[number // 3 % 3],
            "need": need,
            "conditions": [
                [model, place, _condition(chance)]
                for model, place in (("small-1", "east"), ("small-1", "west"), ("small-2", "only"))
                if chance.random() < 0.8
            ],
            "costs": {"small-1": 90, "small-2": (120, None)[number % 2], "middle-1": 900},
        }
        yield _case("call", "rules", str(number), given)


def _condition(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.3:
        return {"available": False, "why": "circuit open", "returns": chance.random() < 0.5}
    return {
        "latency_ms": chance.choice((None, 80.0, 700.0, 30_000.0)),
        "in_flight": chance.choice((0, 0, 1, 5)),
    }


CLASSES = ("timeout", "connection", "rate_limited", "server", "overloaded", "bad_response",
           "auth", "context_length", "content_filter", "bad_request")  # fmt: skip


def _failures(chance: random.Random) -> Iterator[Case]:
    simple = (("small-1", "east"), ("small-1", "west"), ("small-2", "only"))
    for number in range(40):
        failures = [
            [*chance.choice(simple), CLASSES[(number + each) % len(CLASSES)],
             chance.choice((None, 200.0, 5_000.0))]
            for each in range(1 + number % 3)
        ]  # fmt: skip
        given = {
            "failures": failures,
            "candidates": [list(each) for each in simple if chance.random() < 0.7],
            "time_left_ms": (600_000.0, 300.0)[number % 5 == 4],
            "jitter": (0.0, 0.5, 0.999)[number % 3],
            "may_retry": number % 8 != 7,
        }
        yield _case("failure", ("rules", "fallback")[number % 2], str(number), given)


def _budgets(chance: random.Random) -> Iterator[Case]:
    for number in range(30):
        balances = [
            {
                "name": f"b{each}",
                "per": ("tenant", "user", "feature", "model")[(number + each) % 4],
                "window": ("hour", "day", "month")[(number + each) % 3],
                "subject": ("acme", "acme/ada", "")[each % 3],
                "start": NOW - NOW % 86_400_000,
                "limit_nano": 1_000_000_000,
                "then": ("alert", "downgrade", "reject")[(number // 2 + each) % 3],
                "spent": {
                    "known": chance.choice((0, 500_000_000, 999_999_999, 1_000_000_000)),
                    "estimated": chance.choice((0, 1, 300_000_000)),
                    "reserved": chance.choice((0, 0, 1)),
                    "unpriced": chance.choice((0, 2)),
                },
                "counted": chance.random() < 0.85,
            }
            for each in range(number % 4)
        ]
        given = {
            "balances": balances,
            "expected_nano": (None, 0, 1, 2_000_000)[number % 4],
            "alerted": (0.0, 0.5, 0.8)[number % 3],
        }
        yield _case("budget", "rules", str(number), given)
