"""Projections of traffic with a known outcome, and the basis that they state."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from streams.offline.replay.cases import Case, ObservedAnswer, Step
from streams.offline.replay.estimates.estimation import Basis, estimate
from streams.offline.replay.estimates.projection import project
from streams.offline.replay.estimates.table import table_of

STEP = (Step(model="big"),)


def cases(
    count: int = 400, share: float = 0.1, *, seed: int = 0, scored: bool = True
) -> list[Case]:
    """Requests that `small` answered; `big` was called for a share of them. Big is right in 90 % of
    the hard ones and small in half of the easy.
    """
    chance = random.Random(seed)
    found = []
    for number in range(count):
        difficulty = chance.random()
        good = float(chance.random() < 0.95 - 0.3 * difficulty)
        seen = {"small": ObservedAnswer(cost_nano=100, score=float(chance.random() > difficulty))}
        if chance.random() < share:
            seen["big"] = ObservedAnswer(
                cost_nano=1000 + round(500 * difficulty),
                score=good if scored else None,
                drawn=True,
            )
        found.append(
            Case(
                key=f"{seed}/{number}",
                difficulty=difficulty,
                tokens=100,
                steps=STEP,
                seen=seen,
                chances={"big": share} if share else {},
            )
        )
    return found


def test_an_observed_answer_has_no_error() -> None:
    all_cases = cases()
    ways = [(Step(model="small"),) for _ in all_cases]
    found, _ = project(table_of(all_cases), ways)

    assert found.cost.mean is not None
    assert found.quality.mean is not None
    assert found.cost.mean.value == found.cost.mean.low == found.cost.mean.high == 100
    scores = [each.seen["small"].score for each in all_cases]
    assert found.quality.mean.value == pytest.approx(np.mean(scores))
    assert found.quality.shares["seen"] == 1


def test_designed_draws_correct_wrong_expectations() -> None:
    means = []
    for seed in range(60):
        all_cases = cases(seed=seed)
        found, _ = project(table_of(all_cases), [STEP] * len(all_cases))
        assert found.quality.shares["corrected"] == 1
        assert found.cost.mean is not None
        means.append(found.cost.mean.value)
    assert np.mean(means) == pytest.approx(1250, rel=0.01)


def test_nine_in_ten_intervals_contain_the_true_value() -> None:
    held = []
    for seed in range(60):
        chance = random.Random(seed)
        all_cases = cases(seed=seed)
        truth = []
        for _ in all_cases:
            difficulty = chance.random()
            truth.append(float(chance.random() < 0.95 - 0.3 * difficulty))
            chance.random()
            chance.random()
        mean = project(table_of(all_cases), [STEP] * len(all_cases))[0].quality.mean
        assert mean is not None
        held.append(mean.low <= np.mean(truth) <= mean.high)
    assert np.mean(held) >= 0.9


def test_without_a_design_the_basis_is_model_only_with_a_wider_interval() -> None:
    all_cases = [*cases(200, seed=1)]
    undesigned = [
        Case(key=each.key, difficulty=each.difficulty, tokens=100, steps=STEP, seen=each.seen)
        for each in all_cases
    ]
    found, estimated = project(table_of(undesigned), [STEP] * len(all_cases))

    unseen = np.array(["big" not in each.seen for each in all_cases])
    assert (estimated.quality.basis[unseen] == Basis.MODEL_ONLY).all()
    assert (estimated.quality.basis[~unseen] == Basis.SEEN).all()
    assert found.quality.mean is not None
    assert found.quality.mean.high > found.quality.mean.low


def test_a_model_never_called_has_unknown_quality_and_an_estimated_cost() -> None:
    all_cases = [
        Case(key=str(n), difficulty=0.5, tokens=10, steps=STEP,
             seen={"small": ObservedAnswer(cost_nano=100, score=1.0)}, guesses={"big": 700})
        for n in range(10)
    ]  # fmt: skip
    found, _ = project(table_of(all_cases), [STEP] * 10)

    assert found.quality.mean is None
    assert found.quality.shares["unknown"] == 1
    assert found.cost.mean is not None
    assert found.cost.mean.value == 700
    assert found.cost.shares["model only"] == 1


def test_answers_without_scores_leave_quality_to_the_model() -> None:
    all_cases = cases(scored=False)
    found, _ = project(table_of(all_cases), [STEP] * len(all_cases))

    assert found.cost.shares["corrected"] == 1
    assert found.quality.mean is None


def test_a_cascade_pays_both_and_has_the_last_quality() -> None:
    all_cases = [
        Case(
            key=str(n),
            difficulty=0.5,
            tokens=10,
            steps=STEP,
            seen={
                "small": ObservedAnswer(cost_nano=100, score=0.0, confidence=0.2 if n < 5 else 0.9),
                **(
                    {"big": ObservedAnswer(cost_nano=900, score=1.0, confidence=0.9)}
                    if n < 5
                    else {}
                ),
            },
        )
        for n in range(20)
    ]
    way = (Step(model="small", goes_on_below=0.6), Step(model="big"))
    found, estimated = project(table_of(all_cases), [way] * 20)

    assert found.cost.mean is not None
    assert found.quality.mean is not None
    assert found.cost.mean.value == pytest.approx((5 * 1000 + 15 * 100) / 20)
    assert found.quality.mean.value == pytest.approx(0.25)
    assert found.goes_on == pytest.approx(0.25)
    assert (estimated.cost.basis == Basis.SEEN).all()


def test_a_lower_mark_spares_calls_that_were_made() -> None:
    all_cases = [
        Case(key=str(n), difficulty=0.5, tokens=10, steps=STEP,
             seen={"small": ObservedAnswer(cost_nano=100, score=0.5, confidence=0.5),
                   "big": ObservedAnswer(cost_nano=900, score=1.0)})
        for n in range(10)
    ]  # fmt: skip
    way = (Step(model="small", goes_on_below=0.4), Step(model="big"))
    found, _ = project(table_of(all_cases), [way] * 10)

    assert found.cost.mean is not None
    assert found.cost.mean.value == 100
    assert found.goes_on == 0


def test_the_same_cases_give_the_same_figures() -> None:
    all_cases = cases()
    first, second = (project(table_of(all_cases), [STEP] * len(all_cases))[0] for _ in range(2))
    assert first == second


def test_without_cases_there_are_no_estimates() -> None:
    found = estimate(table_of([]), [])
    assert len(found.cost.value) == 0


def test_draws_correct_a_difference_that_expectations_miss() -> None:
    """Big costs three times as much for the moved requests, and no feature shows which."""
    means = []
    for seed in range(20):
        all_cases = []
        for number, each in enumerate(cases(seed=seed)):
            cost = 3000 if number % 2 else 1000
            observed = ObservedAnswer(cost_nano=cost, score=1.0, drawn=True)
            seen = {name: observed if name == "big" else one for name, one in each.seen.items()}
            all_cases.append(replace(each, seen=seen))
        ways = [STEP if n % 2 else (Step(model="small"),) for n in range(len(all_cases))]
        mean = project(table_of(all_cases), ways)[0].cost.mean
        assert mean is not None
        means.append(mean.value)
    assert np.mean(means) == pytest.approx(1550, rel=0.05)


def test_the_step_after_a_drawn_answer_is_model_only() -> None:
    all_cases = [
        replace(each, chances={"big": 0.1, "huge": 0.1}, seen={
            **each.seen,
            **({"huge": ObservedAnswer(cost_nano=9, score=1.0, drawn=True)} if n % 10 == 0 else {}),
        })
        for n, each in enumerate(cases())
    ]  # fmt: skip
    way = (Step(model="big", goes_on_below=0.5), Step(model="huge"))
    all_cases = [
        replace(each, seen={name: replace(one, confidence=0.3) for name, one in each.seen.items()})
        for each in all_cases
    ]
    _, estimated = project(table_of(all_cases), [way] * len(all_cases))

    assert (estimated.quality.basis == Basis.MODEL_ONLY).all()
