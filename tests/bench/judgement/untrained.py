"""Rules and the default cascade on every set, and tiers of labelled prompts."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import orjson

from streams.offline.evaluation.curves import gain_curve
from streams.offline.training.preferences import BOUNDARIES, LENGTH, prefer, prefer_after
from streams.routing.features.request_features import extract_features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.classifier import sluice_rules
from tests.bench.figures import Figure
from tests.bench.judgement.sets import LEAST_GAP, PROMPTS, RecordedSet, area, paired, read_sets


def measure_untrained(folder: Path) -> list[Figure]:
    """APGR of rules and length by set, of the cascade by set, and shares of labelled prompts."""
    sets = read_sets(folder)
    return [*_rules(sets), *_cascade(sets), *_labelled(folder)]


def _rules(sets: list[RecordedSet]) -> list[Figure]:
    figures, rules, lengths = [], [], []
    for each in sets:
        length = prefer(LENGTH, each.labels).wish
        found = paired(each.gains, prefer("rules", each.labels).wish, length)
        rules.append(found.value)
        lengths.append(found.value - found.difference)
        figures += found.figures(f"rules, {each.name}")
    return [
        *figures,
        area("rules", "macro APGR", float(np.mean(rules)), at_least=0.6),
        area("length", "macro APGR", float(np.mean(lengths))),
    ]


def _cascade(sets: list[RecordedSet]) -> list[Figure]:
    """The mean over the models as the weak one, with all stronger ones."""
    figures, all_areas = [], []
    for each in sets:
        if not each.labels.with_texts:
            continue
        scores = {model: each.labels.column(model) for model in each.labels.models}
        areas = []
        for weak, own in scores.items():
            stronger = [one for one in scores.values() if one.mean() - own.mean() >= LEAST_GAP]
            if stronger:
                wish = prefer_after("checks", each.labels, weak).wish
                areas.append(gain_curve(own, np.mean(stronger, axis=0), wish).area)
        all_areas.append(float(np.mean(areas)))
        figures.append(area(f"cascade, {each.name}", "APGR", all_areas[-1]))
    macro = float(np.mean(all_areas))
    return [*figures, area("cascade", "macro APGR", macro, at_least=0.56)]


def _labelled(folder: Path) -> list[Figure]:
    with gzip.open(folder / PROMPTS, "rb") as lines:
        rows = [orjson.loads(line) for line in lines]
    first, last = BOUNDARIES
    scores: dict[str, list[float]] = {"simple": [], "complex": []}
    for row in rows:
        if row["tier_hint"] in scores:
            body = {"messages": [{"role": "user", "content": row["prompt"]}]}
            result = sluice_rules(extract_features(body), RetrievalPolicy())
            scores[row["tier_hint"]].append(result.score)
    simple, hard = (np.array(scores[each]) for each in ("simple", "complex"))
    group = "labelled prompts"
    return [
        Figure(
            group=group, name="complex on the first tier", value=float((hard < first).mean() * 100),
            unit="%", at_most=4.5,
        ),
        Figure(
            group=group, name="simple kept there", value=float((simple < first).mean() * 100),
            unit="%", at_least=90,
        ),
        Figure(
            group=group, name="complex on the last tier", value=float((hard >= last).mean() * 100),
            unit="%",
        ),
    ]  # fmt: skip
