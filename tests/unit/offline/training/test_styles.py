"""A prompt between the styles of the labels is unlike all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.errors import ArtifactError
from streams.offline.training.fit_styles import ROWS_A_STYLE, fit_styles
from streams.routing.learned.artifact import artifact_hash, pack_artifact, read_artifact
from streams.routing.learned.styles import Styles
from tests.unit.offline.training.world import artifact

FEATURES = 6


def _two_styles() -> Styles:
    chance = np.random.default_rng(0)
    rows = np.concatenate(
        [chance.normal(center, 0.3, (ROWS_A_STYLE * 2, FEATURES)) for center in (-2, 2)]
    )
    chance.shuffle(rows)
    return fit_styles(rows[::2], rows[1::2], 0)


@pytest.mark.parametrize(("place", "familiar"), [(-2.0, True), (2.0, True), (0.0, False)])
def test_a_style_is_known_and_the_middle_of_two_is_not(place: float, familiar: bool) -> None:
    assert (_two_styles().familiarity(np.full(FEATURES, place)) >= 0.5) is familiar


def test_few_labels_have_one_style() -> None:
    rows = np.random.default_rng(1).normal(0, 1, (20, FEATURES))
    styles = fit_styles(rows[:14], rows[14:], 0)

    assert styles.means.shape == (1, FEATURES)
    assert styles.familiarity(np.full(FEATURES, 9.0)) < 0.5 < styles.familiarity(rows.mean(axis=0))


def test_styles_are_kept_in_a_packed_artifact_and_may_be_missing() -> None:
    domain = artifact().domain
    assert domain is not None
    assert domain.styles is not None
    again = read_artifact(pack_artifact(artifact()))
    assert again.domain is not None
    assert again.domain.styles is not None
    np.testing.assert_array_equal(again.domain.styles.means, domain.styles.means)

    before = replace(artifact(), domain=replace(domain, styles=None))
    former = read_artifact(pack_artifact(before))
    assert former.domain is not None
    assert former.domain.styles is None
    assert former.hash == artifact_hash(before) != again.hash == artifact_hash(artifact())


@pytest.mark.parametrize(
    "damage",
    [
        {"means": np.zeros((2, 5), np.float32)},
        {"near": np.zeros(0, np.float32)},
        {"far": np.zeros(2, np.float32)},
        {"precisions": np.full((2, FEATURES), np.nan, np.float32)},
    ],
)
def test_inconsistent_styles_are_refused(damage: dict[str, np.ndarray]) -> None:
    with pytest.raises(ArtifactError):
        replace(_two_styles(), **damage).checked(FEATURES)
