"""Figures of an examined classifier for its page, as one document of plain values.

The page is built from this document alone, so that `figures.json` has the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from infra.reporting.markup import excerpt
from streams.offline.evaluation.bands import Interval, quality_at, quality_band
from streams.offline.evaluation.bounds import share_interval
from streams.offline.evaluation.calibration import reliability
from streams.offline.evaluation.curves import Ranking, Vector, gain_curve, oracle_preference
from streams.offline.evaluation.misjudged import misjudged
from streams.offline.evaluation.operating import area_over, mix_cost, operating_points
from streams.offline.training.examine import Examination, preference_of
from streams.offline.training.labels import Labels
from streams.offline.training.measure import CallCosts, Measured, mean_call_cost, measure
from streams.offline.training.preferences import LENGTH, RANDOM, Preference, prefer

SHARES = np.linspace(0, 1, 101)
EXAMPLES = 10
ORACLE = "oracle"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClassifier:
    """The examined classifier, its rows, its preferences and their quality."""

    wanted: Examination
    labels: Labels
    preference: Preference
    measured: Measured

    @property
    def name(self) -> str:
        """Return the name of the examined classifier, or cascade."""
        chosen = self.wanted.cascade
        return self.wanted.classifier.name if chosen is None else f"{chosen.name} cascade"


def judge(
    wanted: Examination, labels: Labels, on_fold: Callable[[], None] = lambda: None
) -> JudgedClassifier:
    """Examine a classifier or a cascade, and keep its preferences with the measurements.

    Raises:
        ArtifactError: a named artifact is unusable.
        LabelsError: the rows lack required fields.
        NoGapError: the strong model is no better than the weak one.
    """
    preference = preference_of(wanted, labels, on_fold)
    measured = measure(
        labels.column(wanted.weak),
        labels.column(wanted.strong),
        preference,
        bar=wanted.bar,
        costs=CallCosts(
            weak=mean_call_cost(labels, wanted.weak), strong=mean_call_cost(labels, wanted.strong)
        ),
        weak_always_paid=wanted.cascade is not None,
        seed=wanted.seed,
    )
    return JudgedClassifier(wanted=wanted, labels=labels, preference=preference, measured=measured)


def figures_of(judged: JudgedClassifier, source: str) -> dict[str, Any]:
    """Return the document; `source` names the file of labels. Costs are USD per request.

    Raises:
        NoGapError: the strong model is no better than the weak one.
    """
    wanted = judged.wanted
    weak, strong = judged.labels.column(wanted.weak), judged.labels.column(wanted.strong)
    rivals = _rivals(judged, weak, strong)
    return {
        "kind": "classifier",
        "source": source,
        "examined": judged.name,
        "classifier": wanted.classifier.name,
        "cascade": wanted.cascade.name if wanted.cascade else None,
        "folds": wanted.folds,
        "most_labels": wanted.most_labels,
        "bar": wanted.bar,
        "seed": wanted.seed,
        "models": {"weak": wanted.weak, "strong": wanted.strong},
        "figures": judged.measured.as_document(),
        "more_than": {
            name: _interval(area_over(weak, strong, judged.preference.wish, wish, seed=wanted.seed))
            for name, wish in rivals.items()
            if name != ORACLE
        },
        "curves": _curves(judged, weak, strong, rivals),
        "operating_points": _points(judged, weak, strong),
        "reliability": _reliability(judged, weak),
        "misjudged": _examples(judged, weak, strong),
    }


def _rivals(judged: JudgedClassifier, weak: Vector, strong: Vector) -> dict[str, Vector]:
    named = {LENGTH: prefer(LENGTH, judged.labels).wish, RANDOM: np.zeros(len(weak))}
    named.pop(judged.name, None)
    return {**named, ORACLE: oracle_preference(weak, strong)}


def _curves(
    judged: JudgedClassifier, weak: Vector, strong: Vector, rivals: dict[str, Vector]
) -> dict[str, Any]:
    band = quality_band(weak, strong, judged.preference.wish, SHARES, seed=judged.wanted.seed)
    examined = {
        "apgr": _rounded(judged.measured.apgr.value),
        "quality": _list(band.quality),
        "low": _list(band.low),
        "high": _list(band.high),
        "cost": _costs(judged, cascade=judged.wanted.cascade is not None),
    }
    others = {
        name: {
            "apgr": _rounded(gain_curve(weak, strong, wish).area),
            "quality": _list(quality_at(Ranking.of(weak, strong, wish), weak, SHARES)),
            "cost": _costs(judged, cascade=False),
        }
        for name, wish in rivals.items()
    }
    return {"shares": _list(SHARES), "examined": examined, **others}


def _costs(judged: JudgedClassifier, *, cascade: bool) -> list[float] | None:
    each = judged.measured.costs
    costs = [
        mix_cost(float(share), each["weak"], each["strong"], weak_always_paid=cascade)
        for share in SHARES
    ]
    known = [round(cost, 9) for cost in costs if cost is not None]
    return known if len(known) == len(costs) else None


def _points(judged: JudgedClassifier, weak: Vector, strong: Vector) -> list[dict[str, Any]]:
    each, cascade = judged.measured.costs, judged.wanted.cascade is not None
    found = []
    for point in operating_points(weak, strong, judged.preference.wish, seed=judged.wanted.seed):
        share = point.share.value
        cost = mix_cost(share, each["weak"], each["strong"], weak_always_paid=cascade)
        dear = each["strong"]
        found.append(
            {
                "gap": point.gap,
                "quality": _rounded(
                    judged.measured.weak
                    + point.gap * (judged.measured.strong - judged.measured.weak)
                ),
                "strong_share": _interval(point.share),
                "cost": None if cost is None else round(cost, 9),
                "saved_share": None if cost is None or not dear else _rounded(1 - cost / dear),
            }
        )
    return found


def _reliability(judged: JudgedClassifier, weak: Vector) -> list[dict[str, Any]] | None:
    stated = judged.preference.stated
    if stated is None:
        return None
    good = (weak >= judged.wanted.bar).astype(np.float64)
    found = []
    for each in reliability(stated, good):
        low, high = share_interval(round(each.observed * each.rows), each.rows)
        found.append(
            {
                "low": float(each.low),
                "high": float(each.high),
                "rows": each.rows,
                "stated": _rounded(each.stated),
                "observed": _rounded(each.observed),
                "observed_bounds": [_rounded(low), _rounded(high)],
            }
        )
    return found


def _examples(
    judged: JudgedClassifier, weak: Vector, strong: Vector
) -> dict[str, list[dict[str, Any]]]:
    found = misjudged(weak, strong, judged.preference.wish, EXAMPLES)
    stated = judged.preference.stated

    def rows(places: Iterable[int]) -> list[dict[str, Any]]:
        return [
            {
                "prompt": excerpt(judged.labels.rows[place].prompt),
                "stated": None if stated is None else _rounded(float(stated[place])),
                "rank": _rounded(float(found.rank[place])),
                "weak_score": _rounded(float(weak[place])),
                "strong_score": _rounded(float(strong[place])),
            }
            for place in places
        ]

    return {
        "kept_cheap": rows(map(int, found.kept_cheap)),
        "sent_in_vain": rows(map(int, found.sent_in_vain)),
    }


def _interval(found: Interval) -> dict[str, float]:
    return {
        "value": _rounded(found.value), "low": _rounded(found.low), "high": _rounded(found.high)
    }  # fmt: skip


def _list(values: Vector) -> list[float]:
    return [_rounded(float(value)) for value in values]


def _rounded(value: float) -> float:
    return round(value, 6)
