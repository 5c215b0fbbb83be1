"""A broken registry topic is mended by tombstones and a pointer to the newest usable version."""

from __future__ import annotations

from contextlib import suppress

import orjson
import pytest

from infra.devstack.registry import local_registry
from schemas.errors import RegistryError
from streams.registry.history import CURRENT_KEY, RegistryHistory, RegistryRecord
from streams.registry.publishing import records_of
from streams.registry.repair import Repair, repair_of
from streams.registry.version import RegistryVersion, parse_registry

Records = list[tuple[bytes, bytes | None]]


def _version(threshold: float) -> RegistryVersion:
    text = local_registry("http://127.0.0.1:1")
    return parse_registry(text.replace("simple: 0.6", f"simple: {threshold}"))


def _pointer(digest: str) -> tuple[bytes, bytes]:
    return CURRENT_KEY, orjson.dumps({"registry": digest, "by": "ada"})


FIRST, SECOND = _version(0.6), _version(0.7)
IN_ORDER: Records = [
    *records_of(FIRST), _pointer(FIRST.hash), *records_of(SECOND), _pointer(SECOND.hash),
]  # fmt: skip


def _read(records: Records) -> RegistryHistory:
    history = RegistryHistory()
    for at, (key, value) in enumerate(records):
        with suppress(RegistryError):
            history.take(RegistryRecord(key=key, value=value, at=at))
    return history


def _mended(records: Records, repair: Repair) -> RegistryHistory:
    """The topic once the repair is published."""
    more: Records = [(key, None) for key in repair.tombstones]
    if repair.pointer is not None:
        version, before = repair.pointer
        document = {"registry": version, "by": "ada", "before": list(before)}
        more.append((CURRENT_KEY, orjson.dumps(document)))
    return _read([*records, *more])


def test_a_topic_in_order_needs_nothing() -> None:
    assert repair_of(_read(IN_ORDER)) == Repair(problems={})
    assert repair_of(_read([])) == Repair(problems={})


BROKEN: dict[str, tuple[Records, str]] = {
    "a key that is not UTF-8": ([(b"registry/\xff", b"{}")], SECOND.hash),
    "a foreign key": ([(b"\xff\xfe", b"x")], SECOND.hash),
    "a pointer that is a list": ([(CURRENT_KEY, b"[]")], SECOND.hash),
    "a pointer of 3,000 levels": ([(CURRENT_KEY, b"[" * 3_000)], SECOND.hash),
    "a pointer to nothing": ([_pointer("0" * 16)], SECOND.hash),
    "the current version overwritten": ([(f"registry/{SECOND.hash}".encode(), b"x")], FIRST.hash),
    "the current version taken out": ([(f"registry/{SECOND.hash}".encode(), None)], FIRST.hash),
    "an impossible date": ([(b"registry/" + b"0" * 16, b"tiers: [2026-13-45]")], SECOND.hash),
    "a forged artifact": ([(b"artifact/" + b"0" * 16, b"{}")], SECOND.hash),
    "3,000 levels": (
        [(b"registry/" + b"0" * 16, b"[" * 3_000 + b"]" * 3_000), _pointer("0" * 16)],
        SECOND.hash,
    ),
    "an integer over 64 bits": (
        [(b"registry/" + b"0" * 16, b'{"tiers": [%s]}' % (b"9" * 30)), _pointer("0" * 16)],
        SECOND.hash,
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_records_are_repaired_once_and_the_newest_usable_version_counts(what: str) -> None:
    more, current = BROKEN[what]
    records = [*IN_ORDER, *more]

    repair = repair_of(_read(records))
    mended = _mended(records, repair)

    assert repair.problems
    assert not repair.is_lost
    assert mended.current is not None
    assert mended.current.version == current
    assert mended.version(current).hash == current
    assert repair_of(mended) == Repair(problems={})


def test_the_rollback_path_keeps_usable_versions_only() -> None:
    records = [*IN_ORDER, (f"registry/{FIRST.hash}".encode(), b"x"), (CURRENT_KEY, b"{")]

    assert repair_of(_read(records)).pointer == (SECOND.hash, ())


def test_a_topic_without_a_usable_version_is_reported() -> None:
    repair = repair_of(_read([(CURRENT_KEY, b"{"), (b"registry/\xff", b"")]))

    assert repair.is_lost
    assert repair.tombstones == (b"registry/\xff",)


def test_a_version_of_another_release_is_not_removed() -> None:
    import hashlib

    content = orjson.dumps({"tiers": ["a"], "unheard_of": 1})
    digest = hashlib.sha256(content).hexdigest()[:16]

    assert repair_of(_read([*IN_ORDER, (f"registry/{digest}".encode(), content)])).tombstones == ()


@pytest.mark.parametrize("levels", [260, 900, 1_018])
@pytest.mark.parametrize("field", ["sluice_artifact", "body"])
def test_a_deeply_nested_artifact_is_removed(field: str, levels: int) -> None:
    parts = {"sluice_artifact": b'"0123456789abcdef"', "body": b"{}"}
    parts[field] = b"[" * levels + b"]" * levels
    value = b"{" + b",".join(b'"%b":%b' % (name.encode(), each) for name, each in parts.items())
    key = b"artifact/0123456789abcdef"

    repair = repair_of(_read([*IN_ORDER, (key, value + b"}")]))

    assert repair.tombstones == (key,)
    assert repair.pointer is None
