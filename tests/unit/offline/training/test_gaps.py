"""Incomplete labels: every known score counts, unknown ones are estimated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streams.offline.evaluation.calibration import auroc
from streams.offline.training.fit import as_forest, fit_artifact
from streams.offline.training.gaps import LEAST_KNOWN, count_known, fill, means_of
from streams.offline.training.label_features import label_features
from streams.offline.training.labels import Labelled, Labels, LabelsError, labels_of
from streams.offline.training.training_run import train
from streams.routing.learned.artifact import Artifact, pack_artifact
from streams.routing.learned.tokens import Tokens
from tests.unit.offline.training.world import QUICK, labels, packed

NAN = float("nan")


def _one_each(rows: int, of_large: int, texts: bool = True) -> Labels:
    """Each row scores one model only, the first `of_large` rows `large`."""
    kept = []
    for place, row in enumerate(labels(rows).rows):
        model = "large" if place < of_large else "small"
        texts = {model: row.texts[model]} if texts else {}
        kept.append(replace(row, scores={model: row.scores[model]}, texts=texts))
    return labels_of(kept)


def _separation(fitted: Artifact, model: str) -> float:
    unseen = labels(300, seed=9)
    place = fitted.column(model)
    expected = np.array([fitted.prompt.predict(Tokens.of(p))[place] for p in unseen.prompts])
    found = auroc(expected, unseen.column("small"))
    assert found is not None
    return found


def test_rows_that_score_one_model_each_are_fitted() -> None:
    fitted = fit_artifact(label_features(_one_each(240, 40)), None, QUICK)

    assert set(fitted.columns) == {"large", "small"}
    assert _separation(fitted, "small") > 0.8
    assert fitted.answer is not None
    means = {model: fitted.answer.prior[fitted.column(model)] for model in fitted.columns}
    assert means["large"] > means["small"] + 0.2


def test_a_model_with_few_labels_uses_the_difficulty_learned_from_others() -> None:
    rows = _one_each(240, LEAST_KNOWN, texts=False).rows
    sure = [replace(row, scores={"large": 1.0}) for row in rows[:LEAST_KNOWN]]
    borrowed = fit_artifact(label_features(labels_of([*sure, *rows[LEAST_KNOWN:]])), None, QUICK)

    assert _separation(fit_artifact(label_features(labels_of(sure)), None, QUICK), "large") == 0.5
    assert _separation(borrowed, "large") > 0.8


def test_a_model_with_too_few_labels_is_refused_by_name() -> None:
    with pytest.raises(LabelsError, match="large has 19 labels, fewer than the required 20"):
        fit_artifact(label_features(_one_each(100, LEAST_KNOWN - 1)), None, QUICK)


def test_equal_weights_of_complete_labels_do_not_change_the_artifact() -> None:
    double = labels_of(replace(row, weight=2.0) for row in labels().rows)

    assert pack_artifact(fit_artifact(label_features(double), {"note": "test"}, QUICK)) == packed()


def test_a_row_counts_as_much_as_it_weighs() -> None:
    rows = [replace(row, weight=9.0 if row.scores["small"] else 1.0) for row in labels(300).rows]
    weighed = fit_artifact(label_features(labels_of(rows)), None, QUICK)
    plain = fit_artifact(label_features(labels(300)), None, QUICK)
    prompt = Tokens.of("Derive the complexity of the w9 algorithm.")

    assert weighed.prompt.predict(prompt)[0] > plain.prompt.predict(prompt)[0] + 0.1
    assert weighed.answer is not None
    assert weighed.answer.prior[0] > 0.8


def test_an_unknown_score_is_the_estimate_shifted_by_the_row_s_residuals() -> None:
    scores = np.array([[1.0, NAN], [0.0, NAN], [NAN, NAN], [0.2, 0.9]])
    guessed = np.array([[0.4, 0.6]] * 4)

    assert fill(scores, guessed) == pytest.approx(
        np.array([[1.0, 0.8], [0.0, 0.6 - 0.4 / 3], [0.4, 0.6], [0.2, 0.9]])
    )
    assert means_of(scores, None) == pytest.approx([0.4, 0.9])
    assert means_of(scores, np.array([2.0, 1, 1, 1])) == pytest.approx([0.55, 0.9])


def test_a_leaf_counts_known_scores_only_and_is_drawn_towards_what_was_filled() -> None:
    from sklearn.ensemble import ExtraTreesRegressor

    rows = np.zeros((8, 1), np.float32)
    filled = np.full((8, 2), 0.5)
    grown = ExtraTreesRegressor(3, random_state=0).fit(rows, filled)
    scores = np.array([[1.0]] * 4 + [[NAN]] * 4)
    counted = count_known(as_forest(grown), grown, rows, scores, None)

    assert counted.predict(rows[0]) == pytest.approx([(4 * 1.0 + 4 * 0.5) / 8, 0.5])


def test_with_few_paired_rows_training_is_compared_by_auroc() -> None:
    trained = train(_one_each(240, 60), "small", "large", options=QUICK)

    assert trained.compared_by == "auroc"
    assert trained.apgr == {}
    assert trained.figures["learned"] > 0.7
    assert trained.figures["learned cascade"] > 0.9
    assert trained.artifact.about["held_out_auroc"]["length"] == pytest.approx(
        trained.auroc["length"], abs=1e-4
    )
    assert trained.held_out < 48


def test_where_enough_rows_score_both_models_only_those_are_compared() -> None:
    complete = labels(400).rows
    mixed = labels_of([*complete[:320], *_one_each(80, 40).rows])
    trained = train(mixed, "small", "large", options=QUICK)

    assert trained.compared_by == "apgr"
    assert 50 <= trained.held_out < 80
    assert trained.labels == 400


def test_answers_of_one_kind_only_leave_nothing_to_compare() -> None:
    sure = labels_of(
        replace(row, scores=dict.fromkeys(row.scores, 1.0)) for row in _one_each(200, 50).rows
    )

    with pytest.raises(LabelsError, match="all good, or all bad"):
        train(sure, "small", "large", options=QUICK)


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_a_handful_of_labels_is_refused(rows: int) -> None:
    few = labels_of(
        Labelled(prompt=f"q {n}", scores={"weak": 0.0, "strong": 1.0}, texts={})
        for n in range(rows)
    )

    with pytest.raises(LabelsError, match=f"these labels have {rows}"):
        train(few, "weak", "strong")
