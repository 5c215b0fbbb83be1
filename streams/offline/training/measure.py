"""Evaluation of one classifier or cascade on labelled rows between a weak and a strong model."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from genai_prices import Usage, calc_price
from numpy.typing import NDArray

from streams.offline.evaluation.bands import Interval, interval
from streams.offline.evaluation.calibration import auroc, expected_calibration_error
from streams.offline.evaluation.curves import GainCurve, Ranking
from streams.offline.training.labels import Labels
from streams.offline.training.preferences import Preference
from streams.routing.features.request_features import CHARACTERS_PER_TOKEN
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS

Floats = NDArray[np.float64]

CPT = {"cpt50": 0.5, "cpt80": 0.8, "cpt95": 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCosts:
    """Mean USD of a call of the weak and of the strong model; `None` without a known price."""

    weak: float | None
    strong: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All figures of a classifier; scores and shares are 0..1, costs USD a request."""

    rows: int
    weak: float
    strong: float
    curve: GainCurve
    apgr: Interval
    cpt: dict[str, Interval]
    auroc: float | None
    ece: float | None
    costs: dict[str, float | None]

    def as_document(self) -> dict[str, Any]:
        """Return the form that `sluice eval --json` prints; `random` is a random router."""
        return {
            "n": self.rows,
            "weak": round(self.weak, 6),
            "strong": round(self.strong, 6),
            "random": 0.5,
            "apgr": round(self.apgr.value, 6),
            **{name: round(found.value, 6) for name, found in self.cpt.items()},
            "auroc": None if self.auroc is None else round(self.auroc, 6),
            "ece": None if self.ece is None else round(self.ece, 6),
            "cost": self.costs,
            "intervals": {
                "level": 0.95,
                "apgr": _bounds(self.apgr),
                **{name: _bounds(found) for name, found in self.cpt.items()},
            },
        }


def measure(
    weak: Floats,
    strong: Floats,
    preference: Preference,
    *,
    bar: float = 0.5,
    costs: CallCosts,
    weak_always_paid: bool = False,
    seed: int = 0,
) -> Measured:
    """Evaluate a preference; a weak answer is good from `bar` on.

    With `weak_always_paid` (a cascade) the weak call is paid for every request.

    Raises:
        NoGapError: the strong model is no better than the weak one on these rows.
    """
    rows = len(weak)
    ranking = Ranking.of(weak, strong, preference.wish)
    curve = ranking.curve()
    good = (weak >= bar).astype(np.float64)
    doubt = preference.wish if preference.stated is None else -preference.stated
    return Measured(
        rows=rows,
        weak=float(weak.mean()),
        strong=float(strong.mean()),
        curve=curve,
        apgr=interval(lambda counts: ranking.curve(counts).area, rows, seed=seed),
        cpt={
            name: interval(
                lambda counts, pgr=pgr: ranking.curve(counts).share_for(pgr),  # type: ignore[misc]
                rows,
                seed=seed,
                resamples=200,
            )
            for name, pgr in CPT.items()
        },
        auroc=auroc(doubt, 1 - good),
        ece=None
        if preference.stated is None
        else expected_calibration_error(preference.stated, good),
        costs=_costs(curve, costs, weak_always_paid=weak_always_paid),
    )


def _costs(
    curve: GainCurve, costs: CallCosts, *, weak_always_paid: bool
) -> dict[str, float | None]:
    found: dict[str, float | None] = {"weak": costs.weak, "strong": costs.strong}
    for name, pgr in CPT.items():
        if costs.weak is None or costs.strong is None:
            found[name] = None
            continue
        share = curve.share_for(pgr)
        kept = 1.0 if weak_always_paid else 1 - share
        found[name] = round(kept * costs.weak + share * costs.strong, 9)
    return found


def _bounds(found: Interval) -> list[float]:
    return [round(found.low, 6), round(found.high, 6)]


def mean_call_cost(labels: Labels, model: str) -> float | None:
    """Return mean USD of a call at today's list price; `None` if the list does not have the model.

    Four characters count as a token; without an answer's text 300 tokens of output are assumed.
    """
    total = Decimal(0)
    for row in labels.rows:
        text = row.texts.get(model)
        output = EXPECTED_OUTPUT_TOKENS if text is None else len(text) // CHARACTERS_PER_TOKEN
        usage = Usage(input_tokens=len(row.prompt) // CHARACTERS_PER_TOKEN, output_tokens=output)
        try:
            total += calc_price(usage, model_ref=model).total_price
        except LookupError:
            return None
    return float(total / len(labels))
