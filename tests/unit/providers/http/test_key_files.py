"""Keys in files are read again when they change, as a mounted Secret does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streams.providers.http.key_files import MOST_BYTES, SecretFiles
from streams.providers.http.operator_policy import KeyRing
from streams.providers.port import ProviderError


def _ring(folder: Path, **environment: str) -> KeyRing:
    return KeyRing.from_patterns("*_API_KEY", environment, folder)


def test_a_key_file_precedes_the_environment_variable(tmp_path: Path) -> None:
    ring = _ring(tmp_path, A_API_KEY="of the environment", B_API_KEY="b")
    (tmp_path / "A_API_KEY").write_text("of the file\n")

    assert ring.key("A_API_KEY") == "of the file"
    assert ring.key("B_API_KEY") == "b"
    (tmp_path / "A_API_KEY").unlink()
    assert ring.key("A_API_KEY") == "of the environment"


def test_a_key_that_is_replaced_is_used_at_the_next_call(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    fresh = tmp_path / "fresh"
    (tmp_path / "A_API_KEY").write_text("sk-1")
    assert ring.key("A_API_KEY") == "sk-1"
    fresh.write_text("sk-2")
    fresh.replace(tmp_path / "A_API_KEY")

    assert ring.key("A_API_KEY") == "sk-2"


def test_a_secret_as_kubernetes_mounts_and_replaces_it(tmp_path: Path) -> None:
    for version in ("one", "two"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "A_API_KEY").write_text(version)
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "A_API_KEY").symlink_to("..data/A_API_KEY")
    ring = _ring(tmp_path)

    assert ring.key("A_API_KEY") == "one"
    (tmp_path / "..new").symlink_to("..two")
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert ring.key("A_API_KEY") == "two"
    assert ring.names() == ("A_API_KEY",)


def test_a_file_is_read_once_while_it_stays(tmp_path: Path) -> None:
    reads: list[Path] = []

    def read(path: Path) -> bytes:
        reads.append(path)
        return path.read_bytes()

    (tmp_path / "A_API_KEY").write_text("sk")
    secrets = SecretFiles(tmp_path, read)

    assert [secrets.value("A_API_KEY") for _ in range(3)] == ["sk"] * 3
    assert len(reads) == 1


def test_only_allowed_names_are_read_and_listed(tmp_path: Path) -> None:
    (tmp_path / "PASSWORD").write_text("x")
    (tmp_path / "A_API_KEY").write_text("a")
    (tmp_path / "EMPTY_API_KEY").write_text("")
    ring = _ring(tmp_path, B_API_KEY="b", OTHER="c")

    assert ring.names() == ("A_API_KEY", "B_API_KEY")
    with pytest.raises(ProviderError, match="SLUICE_ALLOWED_KEYS"):
        ring.key("PASSWORD")


@pytest.mark.parametrize("name", ["../A_API_KEY", "/etc/A_API_KEY", ".A_API_KEY", ""])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "A_API_KEY").write_text("x")
    inside = tmp_path / "inside"
    inside.mkdir()

    assert SecretFiles(inside).value(name) is None


def _large(path: Path) -> None:
    path.write_bytes(b"x" * (MOST_BYTES + 1))


def _binary(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_large, _binary, _folder])
def test_a_file_without_a_key_is_reported_without_its_content(make: object, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path / "A_API_KEY")

    with pytest.raises(ProviderError, match="A_API_KEY in SLUICE_SECRETS_DIR"):
        _ring(tmp_path, A_API_KEY="sk").key("A_API_KEY")


def test_a_missing_key_names_both_places(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="A_API_KEY is not set, and SLUICE_SECRETS_DIR"):
        _ring(tmp_path).key("A_API_KEY")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_read_permission_is_reported(tmp_path: Path) -> None:
    (tmp_path / "A_API_KEY").write_text("x")
    (tmp_path / "A_API_KEY").chmod(0)

    with pytest.raises(ProviderError, match="Permission denied"):
        _ring(tmp_path).key("A_API_KEY")
