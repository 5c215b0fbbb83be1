"""A log recorded by real handlers, replayed under its live registry, gives the same decisions.

The log contains several registries, classifiers, experiments, static rules, pins, callers' tiers,
LLM classifications, learned plans, refusals and arms with their own policies.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.records import Decision
from streams.offline.replay.accepted import accepted_request
from streams.offline.replay.decisions.redeciding import DecisionOrigin, ReplayContext, redecide
from streams.offline.replay.replaying import Replayer, tier_costs
from streams.offline.replay.row_bytes import RowBytes
from streams.offline.replay.rows import DECISION, LAST_MARK, Replayed, run_event
from streams.providers.in_memory_provider import text_answer
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import parse_registry
from streams.routing.snapshot import RegistrySnapshot
from tests.unit.agents.world import REGISTRY
from tests.unit.offline.replay.world import RecordedLog, record

BASE = REGISTRY.rstrip()
RULES = f"""{BASE}
  boundaries: [0.2, 0.46]
  static:
    - {{when: {{feature: [status]}}, tier: simple}}
    - {{when: {{metadata: {{team: red}}}}, tier: complex}}
  features: {{draft: {{quality: economy, boundaries: [0.5, 0.9]}}}}
"""
LEARNED = f"{BASE}\n  classifier: learned\n"
BOUNDED = f"{BASE}\n  classifier: learned\n  boundaries: [0.3, 0.6]\n"
HYBRID = f"{BASE}\n  classifier: hybrid\n  hybrid: {{asks: learned, margin: 0.1}}\n"
ASKING = f"{BASE}\n  classifier: llm\n  llm: {{model: gpt-4o-mini, timeout_ms: 700}}\n"
UNSURE = (
    f"{BASE}\n  classifier: hybrid\n  hybrid: {{asks: llm, margin: 0.15}}\n"
    "  llm: {model: gpt-4o-mini, timeout_ms: 700}\n"
)
ARTICLE = f"{BASE}\n  classifier: article-4\n  shadow: {{share: 0.5, usd_per_day: 100}}\n"
TRIED = f"""{RULES.rstrip()}
experiments:
  lenient:
    share: 0.7
    arms:
      control: {{weight: 2}}
      learned: {{policy: {{classifier: learned}}}}
      cheap: {{policy: {{boundaries: [0.6, 0.9]}}}}
  other:
    arms:
      one: {{}}
      two: {{policy: {{cascade: {{enabled: false}}}}}}
"""
AT_ONCE = f"{BASE}\n  classifier: learned\n  streaming: immediate\n"
REGISTRIES = (RULES, LEARNED, BOUNDED, HYBRID, ASKING, UNSURE, ARTICLE, TRIED, AT_ONCE)
PROMPTS = (
    "hi", "What are your opening hours?", "Prove, step by step, that the algorithm terminates.",
    "Summarise this text: " + "the quick brown fox jumps over the lazy dog. " * 30,
    "Write a function in Rust that merges two sorted lists, then analyse its complexity.",
    "Übersetze diesen Satz ins Englische.", "Which of the two contracts binds us, and why?",
)  # fmt: skip


def request_bodies() -> st.SearchStrategy[dict]:  # type: ignore[type-arg]
    def some(values):  # type: ignore[no-untyped-def]
        return st.one_of(st.none(), st.sampled_from(values))

    optional = {
        "user_id": some([f"u{n}" for n in range(40)]),
        "user_tier": some(["free", "paid"]),
        "feature": some(["status", "draft", "chat"]),
        "quality": some(["economy", "balanced", "best"]),
        "tier": st.sampled_from([None] * 8 + ["complex"]),
        "model": st.sampled_from([None] * 8 + ["gpt-4o", "nobody"]),
        "metadata": some([{"team": "red"}, {"team": "blue"}]),
        "retrieval": some([{"scores": [0.9, 0.8], "query_type": "direct"}, {"scores": [0.1]}]),
    }
    return st.fixed_dictionaries({"prompt": st.sampled_from(PROMPTS)} | optional)


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[int, dict]]:  # type: ignore[type-arg]
    requests = draw(
        st.lists(
            st.tuples(st.integers(0, len(REGISTRIES) - 1), request_bodies()),
            min_size=8,
            max_size=24,
        )
    )
    return [
        (number, {"request_id": f"r{at}"} | {k: v for k, v in one.items() if v is not None})
        for at, (number, one) in enumerate(requests)
    ]


def script(call, endpoint):  # type: ignore[no-untyped-def]
    if "REQUEST-" in orjson.dumps(call.body).decode():
        return text_answer('{"tier": "moderate", "score": 0.4, "reason": "several steps"}')
    return text_answer("The answer is 7.")


def ground(log: RecordedLog, snapshot: RegistrySnapshot, *, reuse: bool) -> ReplayContext:
    pricing = PriceBook()
    return ReplayContext(
        snapshot=snapshot,
        before=log.snapshots.get,
        costs=lambda body, under: tier_costs(pricing, body, under),
        reuse=reuse,
    )


def as_event(row: Replayed, run_id: str, at: int) -> dict[str, Any]:
    """The record that the codec writes for a row."""
    recorded, decision = row.recorded, row.again.decision
    old = recorded.decision
    return run_event(DECISION, run_id, at, "") | {
        "tenant": recorded.tenant,
        "request_id": recorded.request_id,
        "source": ("sluice.v1.Source", as_record(recorded.source)),
        "user_id": recorded.user_id or "",
        "user_tier": recorded.user_tier or "",
        "feature": recorded.feature or "",
        "how": row.again.how.value,
        "same": row.is_same,
        "from_tier": old.tier,
        "from_model": row.before[0].model if row.before else "",
        "from_score": old.score,
        "from_version": old.registry_version,
        "decision": None if decision is None else ("sluice.v1.Decision", as_record(decision)),
        "request_model": row.way[0].model if row.way else "",
        "models": [step.model for step in row.way],
        "marks": [
            LAST_MARK if step.goes_on_below is None else step.goes_on_below for step in row.way
        ],
        "difficulty": row.difficulty,
        "tokens": row.wants.tokens,
        "chance_models": list(row.chances),
        "chance_values": list(row.chances.values()),
        "refusal": row.again.refusal or "",
    }


def same_decision(recorded: Decision, again: Decision) -> bool:
    """Whether both decisions and their inputs are identical, to the last bit.

    Inputs added by later hops are ignored: they do not affect the first tier.
    """
    return (
        recorded.tier == again.tier
        and recorded.score == again.score
        and recorded.model == again.model
        and recorded.classifier == again.classifier
        and recorded.reasons == again.reasons
        and recorded.registry_version == again.registry_version
        and recorded.code_version == again.code_version
        and recorded.artifact == again.artifact
        and recorded.experiment == again.experiment
        and recorded.arm == again.arm
        and recorded.propensity == again.propensity
        and orjson.loads(recorded.inputs)["classify"] == orjson.loads(again.inputs)["classify"]
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(logs())
def test_under_the_registry_that_was_live_every_decision_is_the_same(requests) -> None:  # type: ignore[no-untyped-def]
    log = record(REGISTRIES, requests, script=script)
    seen = log.recorded()
    assert len(seen) == len(requests)

    for each in seen:
        if not each.was_decided:
            continue
        live = log.snapshots[each.decision.registry_version]
        for reuse in (True, False):
            again = redecide(each, log.subject(each), ground(log, live, reuse=reuse))
            assert again.decision is not None
            assert same_decision(each.decision, again.decision), (each.decision, again)
            assert again.how is not DecisionOrigin.UNASKED


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(logs(), st.integers(0, len(REGISTRIES) - 1))
def test_a_reused_score_decides_like_a_new_classification(requests, number: int) -> None:  # type: ignore[no-untyped-def]
    log = record(REGISTRIES, requests, script=script)
    other = parse_registry(REGISTRIES[number]).snapshot

    for each in (one for one in log.recorded() if one.was_decided):
        subject = log.subject(each)
        quick = redecide(each, subject, ground(log, other, reuse=True))
        fresh = redecide(each, subject, ground(log, other, reuse=False))
        if quick.decision is None or fresh.decision is None:
            assert quick == fresh
        else:
            assert same_decision(quick.decision, fresh.decision)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(logs(), st.integers(0, len(REGISTRIES) - 1))
def test_hand_encoded_rows_equal_the_codec_s(requests, number: int) -> None:  # type: ignore[no-untyped-def]
    log = record(REGISTRIES, requests, script=script)
    replayer = Replayer(
        snapshot=parse_registry(REGISTRIES[number]).snapshot,
        before=log.snapshots.get,
        pricing=PriceBook(),
    )
    written, codec = RowBytes("a run"), Codec("ReplayDecision")
    for each in (one for one in log.recorded() if one.was_decided):
        row = replayer.replay(each, accepted_request(log.requests[each.source.offset]))
        assert written.encode(row, 2**40) == codec.encode(as_event(row, "a run", 2**40))


def one_log() -> RecordedLog:
    requests = [(0, {"prompt": prompt, "request_id": f"r{n}"}) for n, prompt in enumerate(PROMPTS)]
    return record([RULES], requests)


@pytest.mark.parametrize(
    ("registry", "how"),
    [
        (RULES.replace("[0.2, 0.46]", "[0.1, 0.2]"), DecisionOrigin.REUSED),
        (LEARNED, DecisionOrigin.ASSESSED),
        (
            RULES.replace("policy:", "policy:\n  retrieval: {weak_score: 0.3}"),
            DecisionOrigin.ASSESSED,
        ),
        (ASKING, DecisionOrigin.UNASKED),
    ],
)
def test_the_origin_of_a_decision_is_recorded(registry: str, how: DecisionOrigin) -> None:
    log = one_log()
    under = ground(log, parse_registry(registry).snapshot, reuse=True)

    found = [redecide(each, log.subject(each), under) for each in log.recorded()]
    assert {each.how for each in found} == {how}


def test_a_pin_on_a_removed_model_is_refused_with_a_reason() -> None:
    log = record([RULES], [(0, {"prompt": "hi", "request_id": "r", "model": "gpt-4o"})])
    text = RULES.replace("gpt-4o:", "gpt-4.1:").replace("baseline: gpt-4o\n", "")
    under = ground(log, parse_registry(text).snapshot, reuse=True)
    (each,) = log.recorded()

    found = redecide(each, log.subject(each), under)
    assert found.how is DecisionOrigin.REFUSED
    assert found.decision is None
    assert "not in the registry" in (found.refusal or "")


def test_a_replay_knows_which_answers_were_streamed_at_once() -> None:
    rules = f"{BASE}\n  streaming: immediate\n"
    log = record((rules,), [(0, {"request_id": f"r{n}", "prompt": "hi"}) for n in range(3)])
    (snapshot,) = log.snapshots.values()
    replayer = Replayer(snapshot=snapshot, before=log.snapshots.get, pricing=PriceBook())
    checked = Replayer(
        snapshot=parse_registry(BASE).snapshot, before=log.snapshots.get, pricing=PriceBook()
    )
    # The first one is a stream, whose cascade ended at its first answer.
    found = [(each, log.request(each)) for each in log.recorded()]
    assert [len(replayer.replay(*each).way) for each in found] == [1, 3, 3]
    assert [len(replayer.replay(*each).before) for each in found] == [1, 3, 3]
    assert [len(checked.replay(*each).way) for each in found] == [3, 3, 3]
