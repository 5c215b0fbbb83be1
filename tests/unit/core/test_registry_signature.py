"""A registry record is valid only unchanged, at its own offset, and with a trusted key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.registry_signature import (
    MOST_KEYS,
    SIGNATURE,
    Refusal,
    RegistryKeys,
    UnsignedRecordError,
)
from infra.settings import InfraSettings
from schemas.errors import ConfigurationError
from sinks.settings import SinkSettings
from streams.worker.settings import WorkerSettings

OLD, NEW = "0123456789abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba9876543210"
KEYS = RegistryKeys([NEW])

RECORDS = st.tuples(
    st.sampled_from([b"current", b"registry/" + b"0" * 16, b"artifact/" + b"f" * 16, b"key/1"]),
    st.none() | st.binary(max_size=40),
    st.integers(0, 2**63 - 1),
)


def _refusal(
    key: bytes, value: bytes | None, headers: list[tuple[str, bytes | None]], offset: int
) -> Refusal | None:
    try:
        KEYS.check(key, value, headers, offset)
    except UnsignedRecordError as error:
        return error.refusal
    return None


@given(RECORDS)
def test_a_signature_is_valid_at_its_offset_only(
    record: tuple[bytes, bytes | None, int],
) -> None:
    key, value, offset = record
    headers = [*KEYS.sign(key, value, offset), ("traceparent", b"of no matter")]

    assert KEYS.check(key, value, headers, offset) == KEYS.first
    assert _refusal(key, value, headers, offset + 1) is Refusal.MOVED


@given(RECORDS, st.data())
def test_any_changed_byte_is_refused(
    record: tuple[bytes, bytes | None, int], data: st.DataObject
) -> None:
    key, value, offset = record
    ((_, signature),) = KEYS.sign(key, value, offset)
    parts = [key, value or b"", signature]
    at = data.draw(st.sampled_from([number for number, part in enumerate(parts) if part]))
    index = data.draw(st.integers(0, len(parts[at]) - 1))
    flip = data.draw(st.integers(1, 255))
    parts[at] = parts[at][:index] + bytes([parts[at][index] ^ flip]) + parts[at][index + 1 :]
    changed = parts[1] if value is not None else None

    assert _refusal(parts[0], changed, [(SIGNATURE, parts[2])], offset) is not None


@given(RECORDS, st.integers(1, 8))
def test_bytes_do_not_move_from_one_part_to_another(
    record: tuple[bytes, bytes | None, int], count: int
) -> None:
    key, value, offset = record
    headers = KEYS.sign(key, value, offset)
    moved = key[:-count], key[-count:] + (value or b"")

    assert _refusal(*moved, headers, offset) is Refusal.WRONG


def test_a_tombstone_is_not_an_empty_value() -> None:
    assert _refusal(b"current", b"", KEYS.sign(b"current", None, 3), 3) is Refusal.WRONG


SIGNED = KEYS.sign(b"current", b"{}", 7)[0][1]

REFUSED = {
    "no header": ([], Refusal.UNSIGNED),
    "another header": ([("signature", SIGNED)], Refusal.UNSIGNED),
    "a null": ([(SIGNATURE, None)], Refusal.MALFORMED),
    "twice": ([(SIGNATURE, SIGNED)] * 2, Refusal.MALFORMED),
    "capital digits": ([(SIGNATURE, SIGNED.upper())], Refusal.MALFORMED),
    "a leading zero": ([(SIGNATURE, SIGNED.replace(b":7:", b":07:"))], Refusal.MALFORMED),
    "a line end": ([(SIGNATURE, SIGNED + b"\n")], Refusal.MALFORMED),
    "another format": ([(SIGNATURE, b"2" + SIGNED[1:])], Refusal.MALFORMED),
    "a megabyte": ([(SIGNATURE, b"1:" + b"0" * 1_000_000)], Refusal.MALFORMED),
    "an offset beyond 64 bits": (
        [(SIGNATURE, SIGNED.replace(b":7:", b":" + b"9" * 20 + b":"))],
        Refusal.MALFORMED,
    ),
    "another key": (RegistryKeys([OLD]).sign(b"current", b"{}", 7), Refusal.UNKNOWN_KEY),
    "another key under this id": (
        [
            (
                SIGNATURE,
                RegistryKeys([OLD])
                .sign(b"current", b"{}", 7)[0][1]
                .replace(RegistryKeys([OLD]).first.encode(), KEYS.first.encode()),
            )
        ],
        Refusal.WRONG,
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_other_signatures_are_refused_with_their_reason(what: str) -> None:
    headers, refusal = REFUSED[what]

    assert _refusal(b"current", b"{}", list(headers), 7) is refusal


def test_all_keys_verify_and_the_first_signs() -> None:
    old, both = RegistryKeys([OLD]), RegistryKeys.from_text(f" {NEW},\n{OLD} ")

    assert both.first == KEYS.first != old.first
    assert both.check(b"current", b"x", old.sign(b"current", b"x", 1), 1) == old.first
    assert KEYS.check(b"current", b"x", both.sign(b"current", b"x", 1), 1) == both.first


WEAK = {
    "nothing": "",
    "commas": " , ,",
    "short": "s3cret-0123456789",
    "one letter": "a" * 64,
    "two letters": "ab" * 32,
    "one of several": f"{NEW},hunter2-hunter2-hunter2",
    "too many": ",".join(f"{NEW}{number}" for number in range(MOST_KEYS + 1)),
}


@pytest.mark.parametrize("what", WEAK)
@pytest.mark.parametrize("settings", [WorkerSettings, InfraSettings, SinkSettings])
def test_a_weak_key_is_refused_and_not_quoted(
    settings: type[WorkerSettings], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_REGISTRY_KEY", WEAK[what])

    with pytest.raises(ConfigurationError, match="SLUICE_REGISTRY_KEY") as raised:
        _ = settings().registry_keys

    for word in re.split(r"[,\s]+", WEAK[what]):
        assert not word or word not in str(raised.value)


def test_keys_are_read_from_a_file_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{NEW}\n{OLD}\n")
    monkeypatch.delenv("SLUICE_REGISTRY_KEY", raising=False)
    monkeypatch.setenv("SLUICE_REGISTRY_KEY_FILE", str(file))
    settings = WorkerSettings()
    keys = settings.registry_keys

    assert keys is not None
    assert keys.first == KEYS.first
    for shown in (repr(settings), str(settings), repr(keys), str(keys), repr(vars(settings))):
        assert NEW not in shown
        assert OLD not in shown


def test_without_a_key_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_REGISTRY_KEY", raising=False)

    assert WorkerSettings().registry_keys is None
