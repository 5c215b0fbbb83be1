"""The decision of a request in words: the classifier's, and what each hop saw. Pure.

Reads the `inputs` block that decisions carry (`streams.routing.decision`, `streams.agents`). A step
that is not known here is shown as it stands, never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from infra.explain.entries import Entry
from infra.explain.recorded import as_text
from infra.figures import dollars
from schemas.records import BEFORE_HOPS
from sinks.analytics.one_request import Row

_NANO = Decimal("1e-9")
_Step = Mapping[str, Any]
T = TypeVar("T")


def decided(row: Row, classify: Mapping[str, Any]) -> Entry:
    """Where the request began, and why."""
    score = "" if row["score"] is None else f", complexity {row['score']:.2f} of 1"
    details = [*row["reasons"]]
    if row["pinned_model"]:
        details.append(f"only {row['pinned_model']} may answer")
    if row["artifact"]:
        details.append(f"learned artifact {row['artifact']}")
    if row["experiment"]:
        chance = (
            "" if row["propensity"] is None else f", drawn with probability {row['propensity']:g}"
        )
        details.append(f"experiment {row['experiment']}, arm {row['arm']}{chance}")
    if classify:
        details += _or_as_text(lambda: list(_said(classify)), [as_text(classify)])
    if row["registry_version"]:
        details.append(f"registry {row['registry_version']}, code {row['code_version']}")
    return Entry(
        at_ms=0.0,
        hop=BEFORE_HOPS,
        rank=0,
        kind="decided",
        title=f"{row['classifier']} starts it on {row['decided_tier']}{score}",
        details=tuple(details),
    )


def _said(classify: Mapping[str, Any]) -> Iterator[str]:
    opinion = classify.get("opinion")
    if opinion:
        said = (
            opinion.get("failed") or f"{opinion.get('tier')} ({opinion.get('reason', 'no reason')})"
        )
        cached = ", remembered" if opinion.get("cached") else ""
        yield f"the asked model says: {said}{cached}"
    if classify.get("costs"):
        yield "expected by tier: " + _prices(classify["costs"])


def hop_steps(
    hops: Iterable[Mapping[str, Any]], calls: Mapping[str, Row], begun: datetime
) -> Iterator[Entry]:
    """What each hop weighed; a step without a time of its own lies where its call ended."""
    for hop in hops:
        at_ms = 0.0
        for step in hop.get("steps", []):
            if "at" in step:
                at_ms = float(step["at"]) - begun.timestamp() * 1000
            call = calls.get(step.get("call", ""))
            if call is not None:
                at_ms = (call["at"] - begun).total_seconds() * 1000
            number = hop.get("hop", 0)
            yield Entry(at_ms=at_ms, hop=number, kind="step", **_words(step, number, call))


def _words(step: _Step, hop: int, call: Row | None) -> dict[str, Any]:
    plain = ", ".join(f"{name}={value}" for name, value in step.items() if name != "at")
    as_it_stands: dict[str, Any] = {"rank": 1, "title": plain}
    words = next((words for key, words in _STEPS.items() if key in step), None)
    if words is None:
        return as_it_stands
    return _or_as_text(partial(words, step, hop, call), as_it_stands)


def _or_as_text(words: Callable[[], T], as_it_stands: T) -> T:
    """The words for what was recorded; what has another shape than they expect, as it stands."""
    try:
        return words()
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return as_it_stands


def _shortlist(step: _Step, hop: int, _: Row | None) -> dict[str, Any]:
    names = [f"{model}/{instance}" for model, instance in step["candidates"]]
    title = f"hop {hop} may ask {', '.join(names)}" if names else f"hop {hop} has nobody to ask"
    details = [
        f"not {model}{'/' + instance if instance else ''}: {why}" if model else why
        for model, instance, why in step["excluded"]
    ]
    if step.get("costs"):
        details.append("expected: " + _prices(step["costs"]))
    return {"rank": 1, "title": title, "details": tuple(details)}


def _confidence(step: _Step, _: int, call: Row | None) -> dict[str, Any]:
    of = "" if call is None else f" in {call['request_model']}"
    details = [
        f"{name} {value + 0.0:+.2f}" for name, value in sorted(step["parts"].items()) if value
    ]
    details += [f"fault: {fault}" for fault in step["faults"]]
    if "chances" in step:
        details.append(
            "chance of a good answer by tier: " + ", ".join(f"{p:.2f}" for p in step["chances"])
        )
    return {
        "rank": 3,
        "title": f"confidence {step['confidence']:.2f}{of}: {step['why']}",
        "details": tuple(details),
    }


def _budgets(step: _Step, _: int, __: Row | None) -> dict[str, Any]:
    details = []
    for meter, _, subject, _, limit, known, estimated, reserved, _ in step["budgets"]:
        spent = _usd(known + estimated + reserved)
        name = meter.partition("/")[0]
        details.append(f"{name} for {subject or 'all'}: {spent} of {_usd(limit)}")
    return {
        "rank": 1,
        "title": f"budgets for {step['model']}: {step['verdict']}",
        "details": tuple(details),
    }


def _shadow(step: _Step, _: int, __: Row | None) -> dict[str, Any]:
    shadow = step["shadow"]
    asked = f"{shadow['tier']} is asked as well" if shadow["tier"] else "no other tier is asked"
    spent = "" if shadow.get("allowed", True) else "; the day's allowance is used up"
    return {
        "rank": 4,
        "title": f"shadow: {asked}{spent}",
        "details": (f"probability {shadow['probability']:g}",),
    }


def _failure(step: _Step, _: int, __: Row | None) -> dict[str, Any]:
    return {"rank": 3, "title": f"after the failure: {step['why']}"}


def _look(step: _Step, _: int, __: Row | None) -> dict[str, Any]:
    found = step.get("found")
    said = step.get("failed") or ("not drawn" if found is None else f"{found:.2f}")
    return {
        "rank": 3,
        "title": f"in doubt, so a second look ({step['look']}): {said}",
        "details": (f"probability {step['probability']:g}",),
    }


_STEPS: dict[str, Callable[[_Step, int, Row | None], dict[str, Any]]] = {
    "candidates": _shortlist,
    "confidence": _confidence,
    "call": _failure,
    "verdict": _budgets,
    "shadow": _shadow,
    "look": _look,
}
"""By the field that tells a step's kind, the more telling ones first."""


def _prices(costs: Mapping[str, int | None]) -> str:
    return ", ".join(
        f"{name} {'unknown' if nano is None else _usd(nano)}"
        for name, nano in sorted(costs.items())
    )


def _usd(nano: int) -> str:
    return dollars(Decimal(nano) * _NANO)
