"""API keys on the registry topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.registry_signature import RegistryKeys
from schemas.errors import RegistryError
from streams.registry.api_keys import (
    ApiKey,
    digest_of,
    key_id_of,
    new_key,
    read_api_key,
    record_key,
)
from streams.registry.history import RegistryHistory, RegistryRecord
from streams.registry.signing import signing_plan

NAMES = st.text("abcXYZ09._:-", min_size=1, max_size=64)
LISTS = st.none() | st.frozensets(st.text(min_size=1, max_size=20), max_size=5)
KEYS = st.builds(
    ApiKey,
    key_id=NAMES,
    tenant=NAMES,
    name=st.text(max_size=20),
    created_at=st.integers(0, 2**53),
    expires_at=st.none() | st.integers(0, 2**53),
    models=LISTS,
    features=LISTS,
    fields=st.frozensets(NAMES, max_size=5),
    requests_per_minute=st.none() | st.integers(1, 10**6),
)


def record(key: bytes, value: bytes | None) -> RegistryRecord:
    return RegistryRecord(key=key, value=value, at=0)


@given(KEYS)
def test_a_key_reads_as_it_was_written(key: ApiKey) -> None:
    assert read_api_key(key.as_json()) == key


def test_keys_are_random_and_their_digests_do_not_hold_them() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert len(key) > 40
        assert key not in digest_of(key)
        assert key_id_of(digest_of(key)) == digest_of(key)[:16]


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b"{}", b'{"key_id":"a"}', b'{"key_id":"a","tenant":"b/c"}',
     b'{"key_id":"a","tenant":"b","requests_per_minute":0}',
     b'{"key_id":"a","tenant":"b","models":"all"}'],
)  # fmt: skip
def test_rights_that_cannot_be_read_are_not_granted(value: bytes) -> None:
    history = RegistryHistory()
    digest = digest_of("secret")
    history.take(record(record_key(digest), ApiKey(key_id="k", tenant="t").as_json()))
    with pytest.raises(RegistryError):
        history.take(record(record_key(digest), value))
    assert history.api_keys == {}


def test_a_tombstone_revokes_a_key() -> None:
    history = RegistryHistory()
    key, digest = ApiKey(key_id="k", tenant="t"), digest_of("secret")
    history.take(record(record_key(digest), key.as_json()))
    assert history.api_keys == {digest: key}
    history.take(record(record_key(digest), None))
    assert history.api_keys == {}


@pytest.mark.parametrize("name", ["", "abc", "../x", "G" * 64, "0" * 63])
def test_a_record_without_a_hash_is_refused(name: str) -> None:
    with pytest.raises(RegistryError):
        RegistryHistory().take(record(b"key/" + name.encode(), b"{}"))


def test_with_signatures_an_unsigned_key_is_not_accepted_and_all_can_be_signed() -> None:
    from streams.registry.version import parse_registry
    from tests.unit.agents.world import REGISTRY

    signing = RegistryKeys.from_text("0123456789abcdef0123456789abcdef0123")
    version = parse_registry(REGISTRY)
    key, digest = ApiKey(key_id="k", tenant="t"), digest_of("secret")
    records = [
        record(record_key(digest), key.as_json()),
        record(b"registry/" + version.hash.encode(), version.content),
        record(b"current", b'{"registry":"%s","by":"me"}' % version.hash.encode()),
    ]
    history = RegistryHistory(signing)
    for each in records:
        history.read(each)
    assert history.api_keys == {}

    assert record_key(digest) in dict(signing_plan(records, signing, every=True).records)
    assert record_key(digest) not in dict(signing_plan(records, signing).records)
