"""Learned artifact: JSON with arrays, identified by the hash of its content. Nothing in it runs.

The content is validated before use: hash, format, feature versions, every shape, every index. An
array is base64 of zlib of little-endian numbers. It is unpacked to the size of its shape and no
further.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.errors import ArtifactError
from streams.routing.learned import answer_numbers, text_numbers
from streams.routing.learned.domain import Domain
from streams.routing.learned.forest import Forest
from streams.routing.learned.models import AnswerModel, Ngrams, PromptModel, TextLinear
from streams.routing.learned.ngrams import Floats
from streams.routing.learned.styles import Styles

FORMAT = 2
HASH_CHARACTERS = 16
MAX_BYTES = 12 * 1024 * 1024
"""Below the limit of a record of the registry topic."""

_MAX_NUMBERS = 20_000_000
_MAX_COLUMNS = 64
_TYPES = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}
_DOMAIN = {
    "centers": "float16",
    **dict.fromkeys(("low", "high", "mean", "scale", "precision", "reach"), "float32"),
}
_STYLES = dict.fromkeys(("means", "precisions", "near", "far"), "float32")
_FEATURES = {"text": text_numbers.VERSION, "answer": answer_numbers.VERSION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A trained classifier and confidence model.

    `columns` are the models or tiers whose scores it was trained on. `answer` is set if the
    training data had answers. `about` describes the training and its results. `domain` describes
    the prompts that are like its labels, if it was trained on enough of them.
    """

    columns: tuple[str, ...]
    prompt: PromptModel
    answer: AnswerModel | None
    about: Mapping[str, Any]
    hash: str = ""
    domain: Domain | None = None

    def familiarity(self, numbers: Floats, ngrams: Ngrams) -> float:
        """Return the similarity of a prompt to the labels, 0..1; 1 without a domain."""
        if self.domain is None:
            return 1.0
        return self.domain.familiarity(numbers, ngrams, self.prompt.text.idf)

    def column(self, name: str) -> int:
        """Return the index of a column.

        Raises:
            ArtifactError: it was not trained on that model or tier.
        """
        try:
            return self.columns.index(name)
        except ValueError:
            raise ArtifactError(
                f"artifact {self.hash} has no column {name}; its columns: {', '.join(self.columns)}"
            ) from None


def pack_artifact(artifact: Artifact) -> bytes:
    """Pack the artifact as bytes; the same artifact gives the same bytes."""
    content = _content(artifact)
    return orjson.dumps({"sluice_artifact": _hash(content), "body": orjson.Fragment(content)})


def artifact_hash(artifact: Artifact) -> str:
    """Return the hash that the artifact has once it is packed."""
    return _hash(_content(artifact))


def _content(artifact: Artifact) -> bytes:
    body = {
        "format": FORMAT,
        "features": _FEATURES,
        "columns": list(artifact.columns),
        "about": dict(artifact.about),
        "prompt": _pack_model(artifact.prompt.text, artifact.prompt.forest),
    }
    if artifact.answer is not None:
        body["answer"] = {
            **_pack_model(artifact.answer.text, artifact.answer.forest),
            "prior": _pack(artifact.answer.prior),
        }
    if artifact.domain is not None:
        body["domain"] = _pack_domain(artifact.domain)
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def read_artifact(data: bytes) -> Artifact:
    """Read and validate an artifact.

    Raises:
        ArtifactError: it is damaged, has another format, or does not match this version's features.
    """
    if len(data) > MAX_BYTES:
        raise ArtifactError(f"the artifact has {len(data)} bytes; the limit is {MAX_BYTES}")
    try:
        document = orjson.loads(data)
        named, body = document["sluice_artifact"], document["body"]
        # Deeper nesting than JSON can be written with raises a TypeError here.
        digest = _hash(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        named = None
    if not isinstance(named, str):
        raise ArtifactError("not a Sluice artifact; create one with `sluice train`")
    if digest != named:
        raise ArtifactError(
            f"the artifact declares the hash {named[:HASH_CHARACTERS]}, but has {digest}"
        )
    try:
        return _read(body, digest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(
            f"artifact {digest} has a missing or misspelled field: {type(error).__name__}"
        ) from None


def _read(body: Mapping[str, Any], digest: str) -> Artifact:
    if body["format"] != FORMAT:
        raise ArtifactError(
            f"artifact {digest} has format {body['format']}; this version reads {FORMAT}"
        )
    if body["features"] != _FEATURES:
        raise ArtifactError(
            f"artifact {digest} was trained on features of another version; retrain it"
        )
    columns = tuple(str(name) for name in body["columns"])
    if not 1 <= len(columns) <= _MAX_COLUMNS or len(set(columns)) < len(columns):
        raise ArtifactError(f"artifact {digest} has duplicate columns, none, or too many")
    text, forest = _read_model(body["prompt"])
    answer = None
    if "answer" in body:
        answer_text, answer_forest = _read_model(body["answer"])
        prior = _unpack(body["answer"]["prior"], "float32")
        answer = AnswerModel(text=answer_text, forest=answer_forest, prior=prior)
        answer.checked(len(columns))
    return Artifact(
        columns=columns,
        prompt=PromptModel(text=text, forest=forest).checked(len(columns)),
        answer=answer,
        about=dict(body["about"]),
        hash=digest,
        domain=_read_domain(body["domain"]) if "domain" in body else None,
    )


def _read_domain(packed: Mapping[str, Any]) -> Domain:
    styles = None
    if "styles" in packed:
        styles = Styles(
            **{name: _unpack(packed["styles"][name], kind) for name, kind in _STYLES.items()}
        )
    arrays = {name: _unpack(packed[name], kind) for name, kind in _DOMAIN.items()}
    return Domain(**arrays, styles=styles).checked()


def _pack_domain(domain: Domain) -> dict[str, Any]:
    packed: dict[str, Any] = {name: _pack(getattr(domain, name)) for name in _DOMAIN}
    if domain.styles is not None:
        packed["styles"] = {name: _pack(getattr(domain.styles, name)) for name in _STYLES}
    return packed


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]


def _pack_model(text: TextLinear, forest: Forest) -> dict[str, Any]:
    return {
        "text": {name: _pack(getattr(text, name)) for name in ("idf", "weights", "bias")},
        "forest": {
            **{
                name: _pack(getattr(forest, name))
                for name in ("roots", "feature", "threshold", "left", "right", "value")
            },
            "depth": forest.depth,
        },
    }


def _read_model(packed: Mapping[str, Any]) -> tuple[TextLinear, Forest]:
    text, forest = packed["text"], packed["forest"]
    return TextLinear(
        idf=_unpack(text["idf"], "float32"),
        weights=_unpack(text["weights"], "float16"),
        bias=_unpack(text["bias"], "float32"),
    ), Forest(
        roots=_unpack(forest["roots"], "int32"),
        feature=_unpack(forest["feature"], "int32"),
        threshold=_unpack(forest["threshold"], "float32"),
        left=_unpack(forest["left"], "int32"),
        right=_unpack(forest["right"], "int32"),
        value=_unpack(forest["value"], "float32"),
        depth=int(forest["depth"]),
    )


def _pack(array: NDArray[Any]) -> dict[str, Any]:
    raw = np.ascontiguousarray(array, _TYPES[array.dtype.name]).tobytes()
    return {
        "type": array.dtype.name,
        "shape": list(array.shape),
        "data": b64encode(zlib.compress(raw, 9)).decode(),
    }


def _unpack(packed: Mapping[str, Any], kind: str) -> NDArray[Any]:
    shape = tuple(int(size) for size in packed["shape"])
    numbers = prod(shape)
    if packed["type"] != kind or min(shape, default=0) < 0 or numbers > _MAX_NUMBERS:
        raise ArtifactError("the artifact has an array of an unsupported type or size")
    size = numbers * np.dtype(_TYPES[kind]).itemsize
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(b64decode(packed["data"], validate=True), size + 1)
    except (zlib.error, Base64Error):
        raise ArtifactError("the artifact has an array that can't be unpacked") from None
    if len(raw) != size:
        raise ArtifactError("the artifact has an array that does not match its declared size")
    return np.frombuffer(raw, _TYPES[kind]).astype(kind).reshape(shape)
