"""The `inputs` of a decision: what it was made from, and the traces of later hops.

JSON in the log. `classify` holds the inputs of the decision, `hops` one trace for each visit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

import orjson

from streams.routing.decision_trace import Step, StepKind
from streams.routing.llm.classification import LlmClassification

VISITS_CARRIED = 12
"""Visits whose steps are carried with a request. Earlier ones are only counted: a request may be
parked hundreds of times, and each visit's steps are in that visit's own outcome.
"""

S = TypeVar("S", bound=Step)

_CLASSIFY, _HOPS, _STEPS, _VISITS_BEFORE = "classify", "hops", "steps", "visits_before"


_READERS: Mapping[str, type[Step]] = {step.kind: step for step in get_args(Step)}
_FIELD_OF_KIND = {
    "candidates": StepKind.SHORTLIST,
    "confidence": StepKind.ANSWER,
    "verdict": StepKind.BUDGET,
    "shadow": StepKind.SHADOW,
    "look": StepKind.SECOND_OPINION,
    "call": StepKind.FAILURE,
}
"""Field that identifies the kind of a step without one; earlier fields take precedence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyInputs:
    """Inputs of a decision, besides the request and the registry.

    `now` is broker time and `time_left_ms` the time to the deadline, both ms. `costs` are the
    expected nano-USD of each tier, where the classifier weighs cost. `arm_draw` and
    `arm_probability` (0..1) are set for a request in an experiment. `stream` is set if the caller
    takes the answer in parts.
    """

    now: int
    time_left_ms: int
    costs: Mapping[str, int | None] = field(default_factory=dict)
    opinion: LlmClassification | None = None
    arm_draw: float | None = None
    arm_probability: float | None = None
    stream: bool = False

    def encode(self) -> str:
        """Return the inputs of a decision without hops."""
        classify: dict[str, Any] = {"now": self.now, "time_left_ms": self.time_left_ms}
        if self.costs:
            classify["costs"] = dict(self.costs)
        if self.opinion is not None:
            classify["opinion"] = self.opinion.document()
        if self.arm_probability is not None:
            classify["arm"] = {"draw": self.arm_draw, "probability": self.arm_probability}
        if self.stream:
            classify["stream"] = True
        return orjson.dumps({_CLASSIFY: classify}, option=orjson.OPT_SORT_KEYS).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class HopTrace:
    """The steps of one visit of a hop, under a registry version."""

    hop: int
    registry: str
    steps: tuple[Step, ...]


def read_classify(inputs: str) -> ClassifyInputs:
    """Read the inputs of a decision.

    Raises:
        KeyError: the decision recorded no inputs; it was made by a version without replays.
    """
    classify = orjson.loads(inputs)[_CLASSIFY]
    opinion, arm = classify.get("opinion"), classify.get("arm") or {}
    return ClassifyInputs(
        now=classify["now"],
        time_left_ms=classify["time_left_ms"],
        costs=classify.get("costs") or {},
        opinion=None if opinion is None else LlmClassification.read(opinion),
        arm_draw=arm.get("draw"),
        arm_probability=arm.get("probability"),
        stream=classify.get("stream", False),
    )


def add_hop(inputs: str, trace: HopTrace) -> str:
    """Return a decision's inputs with the trace of one more visit."""
    document = orjson.loads(inputs)
    document[_HOPS] = [
        *_latest(document.get(_HOPS, [])),
        {
            "hop": trace.hop,
            "registry": trace.registry,
            _STEPS: [step.document() for step in trace.steps],
        },
    ]
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def read_step(document: Mapping[str, Any]) -> Step:
    """Read one step of a trace.

    Raises:
        ValueError: the kind is unknown, or the fields are not those of the kind.
    """
    kind = _kind_of(document)
    reader = _READERS.get(str(kind))
    if reader is None:
        raise ValueError(f"unknown step kind: {kind}")
    try:
        return reader.read(document)
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"invalid fields for a step of kind {kind}: {error!r}") from error


def latest_step(inputs: str, kind: type[S]) -> S | None:
    """Return the first step of a kind in the latest visit that has one.

    Steps of other kinds are not read: a newer version of Sluice may have written them.

    Raises:
        ValueError: the step lacks the fields of its kind.
    """
    for hop in reversed(orjson.loads(inputs).get(_HOPS, ())):
        for document in hop[_STEPS]:
            if _kind_of(document) == kind.kind:
                step = read_step(document)
                assert isinstance(step, kind)
                return step
    return None


def _kind_of(document: Mapping[str, Any]) -> str | None:
    kind = document.get("kind")
    if kind is not None:
        return str(kind)
    return next((kind for name, kind in _FIELD_OF_KIND.items() if name in document), None)


def _latest(visits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    dropped = visits[: max(len(visits) - VISITS_CARRIED, 0)]
    if not dropped:
        return visits
    count = sum(each.get(_VISITS_BEFORE, 0) + 1 for each in dropped)
    first, *rest = visits[len(dropped) :]
    return [{**first, _VISITS_BEFORE: count + first.get(_VISITS_BEFORE, 0)}, *rest]
