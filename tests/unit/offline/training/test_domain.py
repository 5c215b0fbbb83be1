"""Learned models apply to prompts like the labels; for others rules and checks decide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infra.devstack.registry import local_registry
from streams.offline.training.fit_domain import LEAST_ROWS, fit_domain
from streams.offline.training.folds import predict
from streams.offline.training.label_features import label_features
from streams.offline.training.preferences import prefer, prefer_after
from streams.registry.learned import default_artifact
from streams.registry.version import parse_registry
from streams.routing.assessment import assess
from streams.routing.confidence.scorers import Answered, ConfidenceResult, confidence_in
from streams.routing.features.request_features import extract_features
from streams.routing.learned.ngrams import count_ngrams
from streams.routing.learned.text_numbers import text_numbers
from streams.routing.learned.tokens import Tokens
from streams.routing.snapshot import RegistrySnapshot
from tests.unit.offline.training.world import artifact, labels

LIKE = "Prove that the sum of w9 primes diverges."
UNLIKE = [
    "My parcel to Oslo has been on its way for nine days, where is it now?",
    "Schreibe ein Gedicht auf den Herbst am See.",
    "SELECT * FROM orders WHERE total > 100; -- why is this slow?",
    "荷物はどこにありますか。",
    "",
]
CONTEST = (
    "Find the number of ordered pairs $(x, y)$ of positive integers with $x \\le 20$ such that "
    "$\\frac{x}{y}$ is an integer and $x^2 + y^2$ is divisible by 5."
)


def _familiarity(prompt: str) -> float:
    tokens = Tokens.of(prompt)
    return artifact().familiarity(text_numbers(tokens), count_ngrams(tokens.all))


def _snapshot(**policy: str) -> RegistrySnapshot:
    text = local_registry("http://127.0.0.1:1").replace("classifier: rules", "classifier: learned")
    return parse_registry(text.replace("confidence: checks", "confidence: learned")).snapshot


def _verdict(prompt: str, answer: str, snapshot: RegistrySnapshot) -> ConfidenceResult:
    answered = Answered(
        body={"messages": [{"role": "user", "content": prompt}]},
        message={"role": "assistant", "content": answer},
        finish_reason="stop",
    )
    return confidence_in(answered, snapshot.models["gpt-4o-mini"], snapshot)


def test_a_prompt_like_the_labels_is_familiar_and_others_are_not() -> None:
    assert _familiarity(LIKE) > 0.5
    assert max(_familiarity(prompt) for prompt in UNLIKE) < 0.5


def test_most_labels_are_familiar_to_a_domain_that_did_not_see_them() -> None:
    seen = label_features(labels(seed=1))
    found = predict(artifact(), seen, ("small", "large"), None)

    assert np.mean(found.familiar >= 0.5) > 0.8


def test_too_few_labels_give_no_domain() -> None:
    seen = label_features(labels(LEAST_ROWS - 1))

    assert fit_domain(seen.numbers, seen.ngrams, artifact().prompt.text.idf, 0) is None
    plain = replace(artifact(), domain=None)
    assert plain.familiarity(seen.numbers[0], seen.ngrams[0]) == 1.0


def test_the_same_labels_give_the_same_domain() -> None:
    seen = label_features(labels())
    one, other = (
        fit_domain(seen.numbers, seen.ngrams, artifact().prompt.text.idf, 0) for _ in range(2)
    )

    assert one is not None
    assert other is not None
    assert (one.centers == other.centers).all()
    assert (one.reach == other.reach).all()


@pytest.mark.parametrize("prompt", UNLIKE[:-1])
def test_the_rules_decide_where_a_prompt_is_unlike_the_labels(prompt: str) -> None:
    snapshot = _snapshot()
    seen = extract_features({"messages": [{"role": "user", "content": prompt}]})
    ruled = assess(seen, replace(snapshot, policy=replace(snapshot.policy, classifier="rules")), {})
    found = assess(seen, snapshot, {})

    assert (found.tier, found.score) == (ruled.tier, ruled.score)
    assert found.reasons[0].startswith("unlike what was learned from")
    assert found.reasons[1:] == ruled.reasons


def test_the_artifact_decides_where_a_prompt_is_like_the_labels() -> None:
    snapshot = _snapshot()
    found = assess(
        extract_features({"messages": [{"role": "user", "content": CONTEST}]}), snapshot, {}
    )

    assert found.reasons[0].startswith("chance of a good answer")


def test_an_abstaining_learned_confidence_is_recorded_unused() -> None:
    snapshot = _snapshot()
    assert snapshot.artifact is default_artifact()
    checks = replace(
        snapshot,
        policy=replace(snapshot.policy, cascade=replace(snapshot.policy.cascade, scorer="checks")),
    )
    found = _verdict(UNLIKE[0], "It is in Hamburg.", snapshot)

    assert found.confidence == _verdict(UNLIKE[0], "It is in Hamburg.", checks).confidence
    assert 0 <= found.parts["learned_unused"] <= 1
    assert found.parts["familiarity"] < 0.5
    assert found.chances == ()
    assert "learned" in _verdict(CONTEST, "There are 12 such pairs.", snapshot).parts


def test_preferences_shrink_towards_the_untrained_ones_on_unfamiliar_prompts() -> None:
    rows = labels(80, seed=2)
    predicted = predict(artifact(), label_features(rows), ("small", "large"), "small")
    unfamiliar = replace(predicted, familiar=np.zeros(len(rows)))
    order = np.argsort(prefer("learned", rows, unfamiliar).wish)
    lengths = np.array([len(row.prompt) for row in rows.rows])

    assert np.corrcoef(np.argsort(order), lengths)[0, 1] > 0.9
    known = prefer("learned", rows, replace(predicted, familiar=np.ones(len(rows)))).wish
    assert (known == predicted.expected[:, 1] - predicted.expected[:, 0]).all()
    doubted = prefer_after("learned", rows, "small", unfamiliar).wish
    checked = prefer_after("checks", rows, "small").wish
    assert np.corrcoef(doubted, checked)[0, 1] > 0.9
