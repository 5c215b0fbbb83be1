"""Kafka's jars run only if each matches its pinned hash."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from infra.devstack import jars
from infra.devstack.jars import kafka_classpath, pinned_hashes
from schemas.errors import LocalStackError

NAMES = ("kafka.jar", "zstd.jar", "log4j.jar")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with three jars."""
    for name in NAMES:
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / jars._LIST).write_text("\n".join(str(tmp_path / name) for name in NAMES))
    return tmp_path


PINNED = {name: hashlib.sha256(name.encode()).hexdigest() for name in NAMES}


def test_jars_that_match_their_pins_form_the_classpath(cache: Path) -> None:
    assert kafka_classpath(cache, PINNED) == os.pathsep.join(str(cache / name) for name in NAMES)


def test_a_jar_that_differs_by_a_byte_is_not_run(cache: Path) -> None:
    (cache / "zstd.jar").write_bytes(b"zstd.jaR")

    with pytest.raises(LocalStackError, match=r"zstd\.jar has a hash that differs"):
        kafka_classpath(cache, PINNED)


def test_an_unpinned_jar_is_not_run(cache: Path) -> None:
    with pytest.raises(LocalStackError, match=r"log4j\.jar is not among"):
        kafka_classpath(cache, {name: PINNED[name] for name in NAMES[:2]})


def test_a_missing_jar_is_named(cache: Path) -> None:
    with pytest.raises(LocalStackError, match=r"missing: more\.jar"):
        kafka_classpath(cache, {**PINNED, "more.jar": "0" * 64})


def test_the_pinned_list_covers_kafka_and_has_valid_hashes() -> None:
    pinned = pinned_hashes()
    version = jars.KAFKA_ARTIFACT.rsplit(":", 1)[1]

    assert {f"kafka_2.13-{version}.jar", f"kafka-clients-{version}.jar"} <= set(pinned)
    assert all(len(digest) == 64 and name.endswith(".jar") for name, digest in pinned.items())
