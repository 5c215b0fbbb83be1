"""Decides a recorded case again: by its kind, from its own inputs, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from schemas.errors import InvalidRequestError
from streams.registry.version import parse_registry
from streams.routing.budgets import (
    Account,
    Balance,
    Budget,
    Meter,
    Spent,
    levels_reached,
    verdict_on,
)
from streams.routing.cascade import CascadeState, Escalate, after_answer
from streams.routing.confidence.scorers import Answered, confidence_in
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.decision_trace import Step
from streams.routing.learned.artifact import Artifact, read_artifact
from streams.routing.llm.classification import LlmClassification
from streams.routing.selection.candidates import (
    Candidate,
    InstanceStatus,
    ModelRequirements,
    shortlist,
)
from streams.routing.selection.fallback import FailedCall, TierExhausted, after_failure
from streams.routing.shadowing import shadow_of
from streams.routing.snapshot import RegistrySnapshot

HERE = Path(__file__).parent
_NOT_CHOSEN = {"kind", "at", "model", "allowed"}
Given = Mapping[str, Any]
Outcome = dict[str, Any]


@cache
def artifact() -> Artifact:
    """The small artifact of every recorded learned decision."""
    return read_artifact((HERE / "artifact.json").read_bytes())


@cache
def registry(name: str) -> RegistrySnapshot:
    """A recorded registry by its name in `registries.yaml`."""
    document = yaml.safe_load((HERE / "registries.yaml").read_text())
    base = dict(document["base"])
    if name in document["experiments"]:
        base |= {"policy": document["policies"]["rules"]}
        base |= {"experiments": document["experiments"][name]}
    else:
        base |= {"policy": document["policies"][name]}
    return parse_registry(
        orjson.dumps(base).decode(), name=name, artifacts=lambda _: artifact()
    ).snapshot


def registry_names() -> tuple[str, ...]:
    """Every recorded registry."""
    document = yaml.safe_load((HERE / "registries.yaml").read_text())
    return (*document["policies"], *document["experiments"])


def _start(given: Given, snapshot: RegistrySnapshot) -> Outcome:
    """Where a request starts."""
    opinion = given.get("opinion")
    moment = DecisionContext(
        now=given["now"],
        time_left_ms=given["time_left_ms"],
        costs=given.get("costs", {}),
        opinion=None if opinion is None else LlmClassification(**opinion),
        stream=given.get("stream", False),
    )
    fields = dict(given["subject"])
    fields["retrieval_scores"] = tuple(fields.get("retrieval_scores", ()))
    try:
        decision = decide(RoutingRequest(**fields), snapshot, moment)
    except InvalidRequestError as error:
        return {"refused": str(error)}
    found = asdict(decision)
    # The hash of a registry changes with every new key of its schema; the code version is what
    # this record is compared with.
    for name in ("registry_version", "code_version"):
        del found[name]
    return found | {"inputs": orjson.loads(decision.inputs), "reasons": list(decision.reasons)}


def _answer(given: Given, snapshot: RegistrySnapshot) -> Outcome:
    """Whether an answer is accepted, or which tier is tried next."""
    answered = Answered(
        body=given["body"],
        message=given["message"],
        finish_reason=given["finish_reason"],
        logprobs=given.get("logprobs"),
    )
    verdict = confidence_in(answered, snapshot.models[given["model"]], snapshot)
    step = after_answer(verdict, CascadeState(**given["standing"]), snapshot)
    return {
        "confidence": verdict.confidence,
        "faults": [[fault.check, fault.what] for fault in verdict.faults],
        "parts": {name: round(value, 6) for name, value in verdict.parts.items()},
        "chances": [round(chance, 6) for chance in verdict.chances],
        "next": step.tier if isinstance(step, Escalate) else None,
        "why": step.why,
    }


def _call(given: Given, snapshot: RegistrySnapshot) -> Outcome:
    """Which models and instances of a tier are called, in which order."""
    need = ModelRequirements(
        **{**given["need"], "capabilities": frozenset(given["need"]["capabilities"])}
    )
    conditions = {
        (model, instance): InstanceStatus(**condition)
        for model, instance, condition in given["conditions"]
    }
    found = shortlist(given["tier"], need, snapshot, conditions, given["costs"])
    return _recorded(found.step(0))


def _failure(given: Given, snapshot: RegistrySnapshot) -> Outcome:
    """What follows failed calls."""
    failures = [
        FailedCall(
            candidate=_candidate(snapshot, model, instance),
            error_class=error_class,
            retry_after_ms=retry_after_ms,
        )
        for model, instance, error_class, retry_after_ms in given["failures"]
    ]
    step = after_failure(
        failures,
        [_candidate(snapshot, *names) for names in given["candidates"]],
        snapshot.policy.fallback,
        time_left_ms=given["time_left_ms"],
        jitter=given["jitter"],
        may_retry=given["may_retry"],
    )
    if isinstance(step, TierExhausted):
        return {"why": step.why, "refused": step.refused, "passes": step.passes}
    candidate = [step.candidate.model.name, step.candidate.instance.name]
    return {"asks": candidate, "pause_ms": round(step.pause_ms, 6), "why": step.why}


def _candidate(snapshot: RegistrySnapshot, model: str, instance: str) -> Candidate:
    known = snapshot.models[model]
    return Candidate(
        model=known, instance=next(each for each in known.instances if each.name == instance)
    )


def _recorded(step: Step | None) -> Outcome:
    """A step's form in the log, without what a case does not choose."""
    if step is None:
        return {}
    document: Outcome = orjson.loads(orjson.dumps(step.document()))
    chosen = {name: value for name, value in document.items() if name not in _NOT_CHOSEN}
    if "shadow" in chosen:
        del chosen["shadow"]["allowed"]
    return chosen


def _budget(given: Given, _: RegistrySnapshot) -> Outcome:
    """The budgets' verdict on a call, and which of their levels are reached."""
    balances = [_balance(each) for each in given["balances"]]
    verdict = verdict_on(balances, given["expected_nano"])
    return _recorded(verdict.step(0, "")) | {
        "message": getattr(verdict, "message", None),
        "spares_other_models": getattr(verdict, "spares_other_models", None),
        "levels": [
            list(levels_reached(each.budget, each.spent, given["alerted"])) for each in balances
        ],
    }


def _balance(given: Given) -> Balance:
    meter = Meter(name=given["name"], per=given["per"], window=given["window"])
    return Balance(
        budget=Budget(meter=meter, limit_nano=given["limit_nano"], then=given["then"]),
        account=Account(meter.id, given["subject"], given["start"]),
        spent=Spent(**given["spent"]),
        counted=given["counted"],
    )


def _shadow(given: Given, snapshot: RegistrySnapshot) -> Outcome:
    """Whether another tier is called as well."""
    found = shadow_of(given["identity"], given["answered"], snapshot)
    return {} if found is None else _recorded(found.step(allowed=True))["shadow"]


KINDS: Mapping[str, Callable[[Given, RegistrySnapshot], Outcome]] = {
    "start": _start,
    "answer": _answer,
    "call": _call,
    "failure": _failure,
    "budget": _budget,
    "shadow": _shadow,
}
"""What is decided, by the kind of a case."""


def decided(case: Mapping[str, Any]) -> Outcome:
    """What the present code decides for a case, as it reads back from JSON."""
    outcome = KINDS[case["kind"]](case["given"], registry(case["registry"]))
    return orjson.loads(orjson.dumps(outcome))  # type: ignore[no-any-return]
