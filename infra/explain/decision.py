"""The decision of a request in words: the classification, and the steps of each hop. Pure.

Reads the `inputs` of recorded decisions (`streams.routing.decision`, `streams.agents`). An unknown
step is shown as recorded, never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from infra.explain.recorded import Entry, RecordedHop, RecordedStep, as_text
from infra.figures import dollars
from schemas.records import BEFORE_HOPS
from sinks.analytics.one_request import Row
from streams.routing.decision_trace import (
    AnswerStep,
    BudgetStep,
    FailureStep,
    SecondOpinionStep,
    ShadowStep,
    ShortlistStep,
    Step,
)

_NANO = Decimal("1e-9")
T = TypeVar("T")


def decided(row: Row, classify: Mapping[str, Any]) -> Entry:
    """Return the entry of the first tier and its reasons."""
    score = "" if row["score"] is None else f", complexity {row['score']:.2f} of 1"
    details = [*row["reasons"]]
    if row["pinned_model"]:
        details.append(f"pinned to {row['pinned_model']}")
    if row["artifact"]:
        details.append(f"learned artifact {row['artifact']}")
    if row["experiment"]:
        chance = (
            "" if row["propensity"] is None else f", drawn with probability {row['propensity']:g}"
        )
        details.append(f"experiment {row['experiment']}, arm {row['arm']}{chance}")
    if classify:
        details += _or_as_text(lambda: list(_classification(classify)), [as_text(classify)])
    if row["registry_version"]:
        details.append(f"registry {row['registry_version']}, code {row['code_version']}")
    return Entry(
        at_ms=0.0,
        hop=BEFORE_HOPS,
        rank=0,
        kind="decided",
        title=f"{row['classifier']} selects tier {row['decided_tier']}{score}",
        details=tuple(details),
    )


def _classification(classify: Mapping[str, Any]) -> Iterator[str]:
    opinion = classify.get("opinion")
    if opinion:
        result = (
            opinion.get("failed") or f"{opinion.get('tier')} ({opinion.get('reason', 'no reason')})"
        )
        cached = ", cached" if opinion.get("cached") else ""
        yield f"classification by the model: {result}{cached}"
    if classify.get("costs"):
        yield "expected by tier: " + _prices(classify["costs"])


def hop_steps(
    hops: Iterable[RecordedHop], calls: Mapping[str, Row], begun: datetime
) -> Iterator[Entry]:
    """Return the steps of each hop. A step without a time is placed where its call ended."""
    for hop in hops:
        at_ms = 0.0
        for step in hop.steps:
            if step.at is not None:
                at_ms = step.at - begun.timestamp() * 1000
            call = calls.get(step.call or "")
            if call is not None:
                at_ms = (call["at"] - begun).total_seconds() * 1000
            title, details, rank = _words(step, hop.hop, call)
            yield Entry(
                at_ms=at_ms, hop=hop.hop, kind="step", rank=rank, title=title, details=details
            )


_Words = tuple[str, tuple[str, ...], int]
"""Title, details, and rank among the entries of one moment."""


def _words(step: RecordedStep, hop: int, call: Row | None) -> _Words:
    plain = ", ".join(f"{name}={value}" for name, value in step.document.items() if name != "at")
    as_recorded: _Words = (plain, (), 1)
    if step.known is None:
        return as_recorded
    return _or_as_text(partial(_known_words, step.known, hop, call), as_recorded)


def _or_as_text(words: Callable[[], T], as_recorded: T) -> T:
    """Return the text of a record; if it has an unexpected shape, return it as recorded."""
    try:
        return words()
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return as_recorded


def _known_words(step: Step, hop: int, call: Row | None) -> _Words:
    match step:
        case ShortlistStep():
            return _shortlist(step, hop)
        case AnswerStep():
            return _confidence(step, call)
        case FailureStep():
            return f"after the failure: {step.why}", (), 3
        case BudgetStep():
            return _budgets(step)
        case ShadowStep():
            return _shadow(step)
        case SecondOpinionStep():
            return _second_opinion(step)


def _shortlist(step: ShortlistStep, hop: int) -> _Words:
    names = [f"{model}/{instance}" for model, instance in step.candidates]
    title = f"hop {hop} can call {', '.join(names)}" if names else f"hop {hop} has no candidate"
    details = [
        f"excluded {model}{'/' + instance if instance else ''}: {why}" if model else why
        for model, instance, why in step.excluded
    ]
    if step.costs:
        details.append("expected: " + _prices(step.costs))
    return title, tuple(details), 1


def _confidence(step: AnswerStep, call: Row | None) -> _Words:
    of = "" if call is None else f" in {call['request_model']}"
    details = [f"{name} {value + 0.0:+.2f}" for name, value in sorted(step.parts.items()) if value]
    details += [f"fault: {fault}" for fault in step.faults]
    if step.success_probabilities is not None:
        chances = ", ".join(f"{p:.2f}" for p in step.success_probabilities)
        details.append(f"probability of a good answer by tier: {chances}")
    return f"confidence {step.confidence:.2f}{of}: {step.why}", tuple(details), 3


def _budgets(step: BudgetStep) -> _Words:
    details = []
    for line in step.budgets:
        spent = _usd(line.known_nano + line.estimated_nano + line.reserved_nano)
        name = line.meter.partition("/")[0]
        details.append(f"{name} for {line.subject or 'all'}: {spent} of {_usd(line.limit_nano)}")
    return f"budgets for {step.model}: {step.verdict}", tuple(details), 1


def _shadow(step: ShadowStep) -> _Words:
    target = f"{step.tier} is called as well" if step.tier else "no other tier is called"
    spent = "" if step.allowed else "; the daily allowance is exhausted"
    return f"shadow: {target}{spent}", (f"probability {step.probability:g}",), 4


def _second_opinion(step: SecondOpinionStep) -> _Words:
    result = step.failed or ("not drawn" if step.found is None else f"{step.found:.2f}")
    title = f"uncertain, second opinion ({step.method}): {result}"
    return title, (f"probability {step.probability:g}",), 3


def _prices(costs: Mapping[str, int | None]) -> str:
    return ", ".join(
        f"{name} {'unknown' if nano is None else _usd(nano)}"
        for name, nano in sorted(costs.items())
    )


def _usd(nano: int) -> str:
    return dollars(Decimal(nano) * _NANO)
