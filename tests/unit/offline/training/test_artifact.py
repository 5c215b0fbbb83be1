"""An artifact is read completely or not at all: any inconsistency is a named error."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ArtifactError
from streams.routing.learned.artifact import MAX_BYTES, pack_artifact, read_artifact
from streams.routing.learned.tokens import Tokens
from tests.unit.offline.training.world import artifact, packed

Body = dict[str, Any]


def _resealed(change: Callable[[Body], None]) -> bytes:
    """The artifact with its body changed and its hash recomputed."""
    document = orjson.loads(packed())
    change(document["body"])
    content = orjson.dumps(document["body"], option=orjson.OPT_SORT_KEYS)
    document["sluice_artifact"] = hashlib.sha256(content).hexdigest()[:16]
    return orjson.dumps(document)


def _array(values: list[Any], kind: str, shape: list[int]) -> dict[str, Any]:
    raw = np.array(values, kind).tobytes()
    return {"type": kind, "shape": shape, "data": base64.b64encode(zlib.compress(raw)).decode()}


def test_a_packed_artifact_is_read_back_with_its_hash() -> None:
    again = read_artifact(pack_artifact(artifact()))
    prompt = Tokens.of("Prove that the sum of w1 primes diverges.")

    assert again.hash == artifact().hash
    assert again.columns == ("small", "large")
    assert (again.prompt.predict(prompt) == artifact().prompt.predict(prompt)).all()
    assert again.about == {"note": "test"}


def _set(path: str, value: Any) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        *parents, last = path.split("/")
        place = body
        for name in parents:
            place = place[name]
        place[last] = value

    return change


def _without(path: str) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        *parents, last = path.split("/")
        place = body
        for name in parents:
            place = place[name]
        del place[last]

    return change


WRONG: dict[str, tuple[Callable[[Body], None], str]] = {
    "another format": (_set("format", 99), "format 99"),
    "other features": (_set("features", {"text": 0, "answer": 0}), "retrain it"),
    "no columns": (_set("columns", []), "columns"),
    "a column twice": (_set("columns", ["small", "small"]), "columns"),
    "a column too many": (_set("columns", ["small", "large", "more"]), "do not match"),
    "no forest": (_without("prompt/forest"), "misspelled field"),
    "no idf": (_without("prompt/text/idf"), "misspelled field"),
    "an array of another kind": (_set("prompt/text/bias/type", "object"), "unsupported type"),
    "an array of another shape": (_set("prompt/text/bias/shape", [7]), "declared size"),
    "an array of negative size": (_set("prompt/text/bias/shape", [-1]), "unsupported type or size"),
    "a huge array": (_set("prompt/text/bias/shape", [10**12]), "unsupported type or size"),
    "an array that is no zlib": (_set("prompt/text/bias/data", "QUJD"), "unpacked"),
    "an array that is no base64": (_set("prompt/text/bias/data", "*"), "unpacked"),
    "numbers that are not finite": (
        _set("prompt/text/bias", _array([float("nan")] * 3, "float32", [3])),
        "not finite",
    ),
    "a depth without end": (_set("prompt/forest/depth", 10**6), "deeper than"),
    "a root that is no node": (_set("prompt/forest/roots", _array([10**6], "int32", [1])), "root"),
    "no trees": (_set("prompt/forest/roots", _array([], "int32", [0])), "to no node"),
    "a domain of other buckets": (_set("domain/centers/shape", [1, 1]), "declared size"),
    "a domain of no centers": (_set("domain/low", _array([], "float32", [0])), "inconsistent"),
    "a domain of other numbers": (
        _set("domain/mean", _array([0.0], "float32", [1])),
        "inconsistent",
    ),
    "a domain without reach": (
        _set("domain/reach", _array([2, 1], "float32", [2])),
        "without similar",
    ),
    "priors of other columns": (_set("answer/prior", _array([0.5], "float32", [1])), "priors"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_inconsistent_artifact_is_refused_with_the_reason(kind: str) -> None:
    change, message = WRONG[kind]
    with pytest.raises(ArtifactError, match=message):
        read_artifact(_resealed(change))


def test_a_tree_that_runs_in_a_circle_is_refused() -> None:
    def change(body: Body) -> None:
        nodes = body["prompt"]["forest"]["left"]["shape"][0]
        body["prompt"]["forest"]["left"] = _array([0] * nodes, "int32", [nodes])

    with pytest.raises(ArtifactError, match="to no node or backwards"):
        read_artifact(_resealed(change))


def test_a_changed_byte_breaks_the_hash() -> None:
    with pytest.raises(ArtifactError, match="declares the hash"):
        read_artifact(packed().replace(b'"note":"test"', b'"note":"tess"'))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\x80\x04N.", b'{"body": {}}'])
def test_other_bytes_are_no_artifact(data: bytes) -> None:
    with pytest.raises(ArtifactError, match="sluice train"):
        read_artifact(data)


def test_more_bytes_than_a_record_may_have_are_not_even_parsed() -> None:
    with pytest.raises(ArtifactError, match="the limit is"):
        read_artifact(b" " * (MAX_BYTES + 1))


@given(st.binary(max_size=200), st.integers(0, 10**6))
def test_damage_anywhere_is_an_artifact_error(noise: bytes, at: int) -> None:
    data = bytearray(packed())
    at %= len(data)
    data[at : at + len(noise)] = noise
    if bytes(data) == packed():
        return
    try:
        read_artifact(bytes(data))
    except ArtifactError:
        return
    assert orjson.loads(bytes(data)) == orjson.loads(packed())


def test_an_unknown_model_is_an_error_that_names_the_columns() -> None:
    with pytest.raises(ArtifactError, match="its columns: small, large"):
        artifact().column("medium")
