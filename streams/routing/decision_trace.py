"""The trace of a hop: one frozen value for each step of routing, and its form in the log.

A decision's `inputs` carry the traces of its hops as JSON, for replays and `sluice explain`. Each
step names its kind. Logs from before the kind was recorded are read by the fields of each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


class StepKind(StrEnum):
    """Kinds of steps, by their name in the log."""

    SHORTLIST = "shortlist"
    """Models available for a call, and why others are excluded."""
    ANSWER = "answer"
    """The confidence in an answer, and the action that follows."""
    BUDGET = "budget"
    """The decision of the budgets on one model."""
    SHADOW = "shadow"
    """The draw of a shadow call."""
    SECOND_OPINION = "second_opinion"
    """A judge or more samples, for an answer in the uncertainty band."""
    FAILURE = "failure"
    """A failed call, and the action that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortlistStep:
    """Candidates as (model, instance), first to last, and exclusions as (model, instance, reason).

    `at` is broker time, ms. `costs` are the expected nano-USD of each model, `None` if unknown.
    Both `costs` and `time_left_ms` are missing where the tenant's limits or a priority hop block
    all.
    """

    kind: ClassVar = StepKind.SHORTLIST
    at: int
    candidates: tuple[tuple[str, str], ...]
    excluded: tuple[tuple[str, str | None, str], ...]
    time_left_ms: float | None = None
    costs: Mapping[str, int | None] | None = None

    def document(self) -> dict[str, Any]:
        """Return the step's form in the log."""
        return {
            "kind": self.kind,
            "at": self.at,
            "candidates": self.candidates,
            "excluded": self.excluded,
            **_present(time_left_ms=self.time_left_ms, costs=self.costs),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ShortlistStep:
        """Read the step's form in the log."""
        return cls(
            at=int(document["at"]),
            candidates=tuple((str(model), str(place)) for model, place in document["candidates"]),
            excluded=tuple(
                (str(model), _text(place), str(reason))
                for model, place, reason in document["excluded"]
            ),
            time_left_ms=_number(document.get("time_left_ms")),
            costs=document.get("costs"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStep:
    """The confidence (0..1) in the answer of a call, its parts by name, and the failed checks.

    `success_probabilities` of all tiers and `tier_costs`, nano-USD, are set where escalation is
    weighed against its cost.
    """

    kind: ClassVar = StepKind.ANSWER
    call: str
    confidence: float
    parts: Mapping[str, float]
    faults: tuple[str, ...]
    why: str
    success_probabilities: tuple[float, ...] | None = None
    tier_costs: Mapping[str, int | None] | None = None

    def document(self) -> dict[str, Any]:
        """Return the step's form in the log."""
        return {
            "kind": self.kind,
            "call": self.call,
            "confidence": self.confidence,
            "parts": self.parts,
            "faults": self.faults,
            "why": self.why,
            **_present(chances=self.success_probabilities, tier_costs=self.tier_costs),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> AnswerStep:
        """Read the step's form in the log."""
        chances = document.get("chances")
        return cls(
            call=str(document["call"]),
            confidence=float(document["confidence"]),
            parts={str(name): float(value) for name, value in document["parts"].items()},
            faults=tuple(map(str, document["faults"])),
            why=str(document["why"]),
            success_probabilities=None if chances is None else tuple(map(float, chances)),
            tier_costs=document.get("tier_costs"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """One budget's account: its spend, and the action at its limit; nano-USD."""

    meter: str
    then: str
    subject: str
    window_start: int
    limit_nano: int
    known_nano: int
    estimated_nano: int
    reserved_nano: int
    unpriced: int

    def document(self) -> tuple[Any, ...]:
        """Return the line's form in the log: its values in the order of the fields."""
        return tuple(getattr(self, name) for name in _BUDGET_FIELDS)


_BUDGET_FIELDS = tuple(BudgetLine.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStep:
    """Decision of the budgets on a call of one model: allowed, downgrade or rejected."""

    kind: ClassVar = StepKind.BUDGET
    at: int
    model: str
    verdict: str
    budgets: tuple[BudgetLine, ...]
    expected_nano: int | None

    def document(self) -> dict[str, Any]:
        """Return the step's form in the log."""
        return {
            "kind": self.kind,
            "at": self.at,
            "model": self.model,
            "verdict": self.verdict,
            "budgets": [line.document() for line in self.budgets],
            "expected_nano": self.expected_nano,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> BudgetStep:
        """Read the step's form in the log."""
        return cls(
            at=int(document["at"]),
            model=str(document["model"]),
            verdict=str(document["verdict"]),
            budgets=tuple(
                BudgetLine(**dict(zip(_BUDGET_FIELDS, line, strict=True)))
                for line in document["budgets"]
            ),
            expected_nano=document.get("expected_nano"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowStep:
    """The draw of a shadow call: its tier (`None`: none), the draw and the probability (0..1) with
    which this tier is drawn. `allowed` is whether the day's spend limit permits it.
    """

    kind: ClassVar = StepKind.SHADOW
    tier: str | None
    draw: float
    probability: float
    allowed: bool = True

    def document(self) -> dict[str, Any]:
        """Return the step's form in the log."""
        return {
            "kind": self.kind,
            "shadow": {
                "tier": self.tier,
                "draw": self.draw,
                "probability": self.probability,
                "allowed": self.allowed,
            },
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ShadowStep:
        """Read the step's form in the log."""
        shadow = document["shadow"]
        return cls(
            tier=_text(shadow["tier"]),
            draw=float(shadow["draw"]),
            probability=float(shadow["probability"]),
            allowed=bool(shadow.get("allowed", True)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinionStep:
    """A second opinion by `method` (judge or samples): its draw and probability (0..1), and the
    score (0..1) that it found, or why there is none. Score and reason are missing where it was not
    drawn.
    """

    kind: ClassVar = StepKind.SECOND_OPINION
    method: str
    draw: float
    probability: float
    found: float | None = None
    failed: str | None = None

    @property
    def drawn(self) -> bool:
        """Return whether the second opinion was drawn."""
        return self.draw < self.probability

    def document(self) -> dict[str, Any]:
        """Return the step's form in the log."""
        result = {"found": self.found, "failed": self.failed} if self.drawn else {}
        return {
            "kind": self.kind,
            "look": self.method,
            "draw": self.draw,
            "probability": self.probability,
            **result,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> SecondOpinionStep:
        """Read the step's form in the log."""
        return cls(
            method=str(document["look"]),
            draw=float(document["draw"]),
            probability=float(document["probability"]),
            found=_number(document.get("found")),
            failed=_text(document.get("failed")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureStep:
    """A failed call and the action that follows. `error` never quotes the provider."""

    kind: ClassVar = StepKind.FAILURE
    call: str
    why: str
    error: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the step's form in the log."""
        return {
            "kind": self.kind,
            "call": self.call,
            "why": self.why,
            **_present(error=self.error),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> FailureStep:
        """Read the step's form in the log."""
        return cls(
            call=str(document["call"]),
            why=str(document["why"]),
            error=_text(document.get("error")),
        )


Step = ShortlistStep | AnswerStep | BudgetStep | ShadowStep | SecondOpinionStep | FailureStep


def _present(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
