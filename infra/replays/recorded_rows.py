"""Conversion of table rows to the replay's values, and to inputs of projections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.records import Decision, Source
from streams.offline.replay.cases import Case, ObservedAnswer, Step
from streams.offline.replay.decisions.recorded import Recorded
from streams.offline.replay.rows import known_difficulty, way_of
from streams.offline.replay.run_spec import OffsetSpan
from streams.providers.port import Usage
from streams.providers.pricing.booked_usage import usage_of
from streams.providers.pricing.price_list import PriceBook
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS
from streams.routing.snapshot import RegistrySnapshot

Row = Mapping[str, Any]
Place = tuple[str, int, int]


def recorded_of(row: Row, span: OffsetSpan) -> Recorded:
    """Return a row of `requests` as a recorded decision."""
    return Recorded(
        tenant=row["tenant"],
        request_id=row["request_id"],
        source=Source(
            topic=span.topic,
            partition=span.partition,
            offset=row["source_offset"],
            timestamp=row["asked_at"],
        ),
        decision=Decision(
            classifier=row["classifier"],
            score=row["score"],
            tier=row["decided_tier"],
            model=row["pinned_model"] or None,
            reasons=tuple(row["reasons"]),
            registry_version=row["registry_version"],
            code_version=row["code_version"],
            artifact=row["artifact"] or None,
            experiment=row["experiment"] or None,
            arm=row["arm"] or None,
            propensity=row["propensity"],
            inputs=row["decision_inputs"],
        ),
        user_id=row["user_id"] or None,
        user_tier=row["user_tier"] or None,
        feature=row["feature"] or None,
        ended_tier=row["ended_tier"],
    )


@dataclass(slots=True, kw_only=True)
class RunRows:
    """A run's requests as projections need them, by row.

    `was_cost` (nano-USD) and `was_score` are the real values, `None` if unknown.
    """

    places: list[Place] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    ways: list[tuple[Step, ...]] = field(default_factory=list)
    was_cost: list[int | None] = field(default_factory=list)
    was_score: list[float | None] = field(default_factory=list)
    moves: list[tuple[str, str, str, str]] = field(default_factory=list)
    how: list[str] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)


def rows_of_run(
    rows: Iterable[Row], seen: Iterable[Row], snapshot: RegistrySnapshot, pricing: PriceBook
) -> RunRows:
    """Return rows of a run with the observed answers, at a registry's current prices."""
    answers: dict[Place, list[Row]] = defaultdict(list)
    for each in seen:
        answers[each["topic"], each["partition"], each["offset"]].append(each)
    found = RunRows()
    for row in rows:
        place = (row["topic"], row["source_partition"], row["source_offset"])
        here = answers.get(place, ())
        way = way_of(row["models"], row["marks"])
        chances = dict(zip(row["chance_models"], row["chance_values"], strict=True))
        given = [each for each in here if not each["drawn"]]
        found.places.append(place)
        found.ways.append(way)
        found.cases.append(
            Case(
                key="/".join(map(str, place)),
                difficulty=known_difficulty(row["difficulty"]),
                tokens=row["tokens"] or 0,
                steps=way,
                seen={each["model"]: _seen(each, chances, snapshot, pricing) for each in here},
                chances=chances,
                guesses=_guesses(way, row["tokens"] or 0, snapshot, pricing),
            )
        )
        paid = [each["paid_nano"] for each in given]
        found.was_cost.append(sum(paid) if paid and None not in paid else None)
        found.was_score.append(given[-1]["score"] if given else None)
        found.moves.append(
            (row["from_tier"], row["tier"], row["from_model"], way[0].model if way else "")
        )
        found.how.append(row["how"])
        found.same.append(bool(row["same"]))
    return found


def _seen(
    row: Row, chances: Mapping[str, float], snapshot: RegistrySnapshot, pricing: PriceBook
) -> ObservedAnswer:
    model = snapshot.models.get(row["model"])
    cost = row["paid_nano"]
    if model is not None:
        cost, _ = pricing.cost_of(model, usage_of(row))
    return ObservedAnswer(
        cost_nano=cost,
        score=row["score"],
        confidence=row["confidence"],
        drawn=row["drawn"] or row["model"] in chances,
    )


def _guesses(
    way: Sequence[Step], tokens: int, snapshot: RegistrySnapshot, pricing: PriceBook
) -> dict[str, int | None]:
    usage = Usage(input_tokens=tokens, output_tokens=EXPECTED_OUTPUT_TOKENS)
    return {
        step.model: pricing.cost_of(snapshot.models[step.model], usage)[0]
        for step in way
        if step.model in snapshot.models
    }
