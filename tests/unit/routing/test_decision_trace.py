"""Steps of a trace are read from the log as written, with and without their kind."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.routing.decision_inputs import (
    VISITS_CARRIED,
    ClassifyInputs,
    HopTrace,
    add_hop,
    latest_step,
    read_classify,
    read_step,
)
from streams.routing.decision_trace import (
    AnswerStep,
    BudgetLine,
    BudgetStep,
    FailureStep,
    SecondOpinionStep,
    ShadowStep,
    ShortlistStep,
    Step,
)
from streams.routing.llm.classification import LlmClassification

STEPS: tuple[Step, ...] = (
    ShortlistStep(
        at=7,
        candidates=(("small", "a"),),
        excluded=(("large", None, "can not do tools"),),
        time_left_ms=12.5,
        costs={"small": 3, "large": None},
    ),
    ShortlistStep(at=7, candidates=(), excluded=(("", None, "the tenant's limit"),)),
    AnswerStep(
        call="c",
        confidence=0.25,
        parts={"hedging": -0.2},
        faults=("empty",),
        why="below the threshold",
        success_probabilities=(0.5, 0.9),
        tier_costs={"simple": 1, "complex": None},
    ),
    AnswerStep(call="c", confidence=1.0, parts={}, faults=(), why="confident"),
    BudgetStep(
        at=7,
        model="small",
        verdict="downgrade",
        budgets=(
            BudgetLine(
                meter="daily/day",
                then="downgrade",
                subject="acme",
                window_start=0,
                limit_nano=10,
                known_nano=1,
                estimated_nano=2,
                reserved_nano=3,
                unpriced=4,
            ),
        ),
        expected_nano=None,
    ),
    ShadowStep(tier=None, draw=0.5, probability=0.1, allowed=False),
    ShadowStep(tier="complex", draw=0.01, probability=0.1),
    SecondOpinionStep(method="judge", draw=0.9, probability=0.5),
    SecondOpinionStep(method="judge", draw=0.1, probability=0.5, failed="nonsense"),
    SecondOpinionStep(method="samples", draw=0.1, probability=0.5, found=0.7),
    FailureStep(call="c", why="another model"),
    FailureStep(call="c", why="another model", error="HTTP 500"),
)


def _logged(step: Step) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(orjson.dumps(step.document()))
    return document


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_a_step_is_read_as_it_was_written(step: Step) -> None:
    assert read_step(_logged(step)) == step


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_a_step_of_an_older_log_is_known_by_its_fields(step: Step) -> None:
    document = _logged(step)
    del document["kind"]

    assert read_step(document) == step


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_a_step_without_its_fields_is_refused_by_name(step: Step) -> None:
    with pytest.raises(ValueError, match=step.kind):
        read_step({"kind": step.kind.value})


@pytest.mark.parametrize("field", ["at", "candidates", "excluded"])
def test_a_step_whose_fields_have_another_shape_is_refused_by_name(field: str) -> None:
    with pytest.raises(ValueError, match="shortlist"):
        read_step(_logged(STEPS[0]) | {field: object()})


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="weather"):
        read_step({"kind": "weather"})


def test_hops_add_their_traces_and_leave_the_inputs_of_the_decision() -> None:
    classify = ClassifyInputs(
        stream=True,
        now=1,
        time_left_ms=2,
        costs={"simple": 3},
        opinion=LlmClassification(tier="simple", reason="short", call_id="c"),
        arm_draw=0.5,
        arm_probability=0.25,
    )
    inputs = classify.encode()
    for visit in range(VISITS_CARRIED + 3):
        trace = HopTrace(hop=0, registry="v1", steps=(FailureStep(call=str(visit), why="busy"),))
        inputs = add_hop(inputs, trace)

    assert read_classify(inputs) == classify
    visits = orjson.loads(inputs)["hops"]
    assert len(visits) == VISITS_CARRIED + 1
    assert visits[0]["visits_before"] == 2
    last = latest_step(inputs, FailureStep)
    assert last is not None
    assert last.call == str(VISITS_CARRIED + 2)
    assert latest_step(inputs, ShadowStep) is None


def test_unknown_steps_do_not_hide_a_known_one() -> None:
    shadow = ShadowStep(tier="complex", draw=0.01, probability=0.1)
    steps = [{"kind": "weather"}, {"odd": True}, _logged(shadow), {"kind": "answer"}]
    inputs = orjson.dumps({"hops": [{"hop": 0, "steps": steps}]}).decode()

    assert latest_step(inputs, ShadowStep) == shadow
