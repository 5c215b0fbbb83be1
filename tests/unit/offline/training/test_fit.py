"""The fitted model is the evaluated one, separates hard from easy, and is reproducible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.offline.evaluation.calibration import auroc
from streams.offline.training.fit import _leaf, as_forest, fit_artifact
from streams.offline.training.label_features import label_features
from streams.offline.training.labels import labels_of
from streams.routing.learned import answer_numbers, text_numbers
from streams.routing.learned.artifact import pack_artifact, read_artifact
from streams.routing.learned.models import revise
from streams.routing.learned.ngrams import BUCKETS, count_ngrams
from streams.routing.learned.tokens import Tokens
from tests.unit.offline.training.world import QUICK, artifact, labels, packed


def test_the_packed_forest_predicts_like_the_fitted_trees() -> None:
    from sklearn.ensemble import ExtraTreesRegressor

    chance = np.random.default_rng(0)
    rows = chance.random((300, 9)).astype(np.float32).round(1)
    targets = np.column_stack((rows[:, 0] > 0.5, rows[:, 1])).astype(float)
    grown = ExtraTreesRegressor(20, min_samples_leaf=2, random_state=0).fit(rows, targets)
    forest = as_forest(grown).checked(9, 2)
    found = np.array([forest.predict(row) for row in rows])

    assert found == pytest.approx(grown.predict(rows), abs=1e-6)


def test_the_same_labels_give_the_same_bytes() -> None:
    assert (
        pack_artifact(fit_artifact(label_features(labels()), {"note": "test"}, QUICK)) == packed()
    )


def test_hard_and_easy_unseen_prompts_are_distinguished() -> None:
    unseen = labels(200, seed=9)
    expected = np.array([artifact().prompt.predict(Tokens.of(p))[0] for p in unseen.prompts])

    found = auroc(expected, unseen.column("small"))
    assert found is not None
    assert found > 0.8


def test_a_bad_answer_scores_below_a_good_one_to_the_same_prompt() -> None:
    model = artifact().answer
    assert model is not None
    prompt = Tokens.of("Is w3 a fruit?")
    expected = artifact().prompt.predict(prompt)

    sure = model.predict(prompt, Tokens.of("The answer is 5."), expected, 0)
    unsure = model.predict(prompt, Tokens.of("I am not sure, perhaps 5"), expected, 0)
    assert sure - unsure > 0.3


def test_a_bad_answer_lowers_the_expected_scores_of_other_models() -> None:
    expected = np.array([0.5, 0.7, 0.6])

    assert revise(expected, 0, others=0.7) == pytest.approx(expected)
    assert revise(expected, 0, others=0.5) == pytest.approx([0.4, 0.6, 0.5])
    assert revise(np.array([0.5, 0.5]), 0, others=0.1) == pytest.approx([0.5, 0.5])


def test_one_model_alone_is_fitted_too() -> None:
    rows = [
        replace(row, scores={"small": row.scores["small"]}, texts={"small": row.texts["small"]})
        for row in labels(60).rows
    ]
    alone = fit_artifact(label_features(labels_of(rows)), None, QUICK)

    assert read_artifact(pack_artifact(alone)).columns == ("small",)


def test_without_answers_there_is_no_answer_model() -> None:
    bare = labels_of([replace(row, texts={}) for row in labels(60).rows])

    assert fit_artifact(label_features(bare), None, QUICK).answer is None


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_has_its_numbers_and_they_are_finite(prompt_text: str, answer_text: str) -> None:
    question, answer = Tokens.of(prompt_text), Tokens.of(answer_text)
    numbers = text_numbers.text_numbers(question)
    beside = answer_numbers.answer_numbers(question, answer)

    assert len(numbers) == len(text_numbers.NAMES)
    assert len(beside) == len(answer_numbers.NAMES)
    assert np.isfinite(numbers).all()
    assert np.isfinite(beside).all()


@given(st.lists(st.text(min_size=1, max_size=8), max_size=50))
def test_every_ngram_is_hashed_into_a_bucket(tokens: list[str]) -> None:
    ids, counts = count_ngrams(tokens)

    assert ((ids >= 0) & (ids < BUCKETS)).all()
    assert (counts >= 1).all()
    assert (np.diff(ids) > 0).all()


def test_a_long_text_is_examined_at_its_head_and_tail_only() -> None:
    long = Tokens.of("begin " + "middle " * 5_000 + "end?")

    assert len(long.text) < 5_100
    assert long.characters == 35_010
    assert (long.words[0], long.words[-1]) == ("begin", "end")


@given(st.text(max_size=300))
def test_expected_scores_are_within_those_that_were_seen(text: str) -> None:
    expected = artifact().prompt.predict(Tokens.of(text))

    assert ((expected >= 0) & (expected <= 1)).all()


def test_more_rows_have_larger_leaves_so_that_the_artifact_stays_small() -> None:
    rows = np.zeros((100_000, 10))

    assert _leaf(8, 200, rows[:1_000]) == 8
    assert _leaf(8, 200, rows) > 100
