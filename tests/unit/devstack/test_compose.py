"""Containers: no shared password, images that can be pinned, ports on loopback only."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
DOCKERFILE = (ROOT / "infra/deploy/Dockerfile").read_text()
DIGEST = "sha256:" + "ab" * 32
REQUIRED = "${SLUICE_CLICKHOUSE_PASSWORD:?"


def _environment(service: str) -> dict[str, Any]:
    return SERVICES[service].get("environment") or {}


def test_the_file_contains_no_password() -> None:
    assert not re.search(r"//[^/\s]*:[^/\s]*@", TEXT)
    for name in SERVICES:
        for variable, value in _environment(name).items():
            if re.search("PASSWORD|KEY$|SECRET|TOKEN", variable):
                assert str(value).startswith("${"), variable
    assert _environment("clickhouse")["CLICKHOUSE_PASSWORD"].startswith(REQUIRED)
    assert _environment("sink")["SLUICE_CLICKHOUSE_PASSWORD"].startswith(REQUIRED)


def test_clickhouse_s_user_manages_no_access() -> None:
    assert "ACCESS_MANAGEMENT" not in TEXT


def test_each_process_has_only_the_secrets_that_it_needs() -> None:
    holders = {
        secret: {name for name in SERVICES if secret in _environment(name)}
        for secret in ("SLUICE_CLICKHOUSE_PASSWORD", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")
    }

    assert holders.pop("SLUICE_CLICKHOUSE_PASSWORD") == {"setup", "sink"}
    assert all(names == {"setup", "worker"} for names in holders.values())


def test_ports_are_published_on_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_image_has_a_version_and_can_be_pinned() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    assert images
    for image in images:
        assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[a-z/-]+:[0-9][^}@]*\}", image), image
    froms = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(froms) == {"${PYTHON_IMAGE}"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the script needs."""
    (tmp_path / "infra/deploy").mkdir(parents=True)
    for name in ("docker-compose.yml", "infra/deploy/compose_env.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _run(project: Path, docker: str) -> tuple[dict[str, str], str]:
    tools = project / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "docker").write_text(f"#!/bin/sh\n{docker}\n")
    (tools / "docker").chmod(0o755)
    ended = subprocess.run(
        ["sh", str(project / "infra/deploy/compose_env.sh")],
        env={"PATH": f"{tools}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    lines = (project / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines), ended.stdout + ended.stderr


def test_the_script_draws_a_password_once_and_pins_each_image(project: Path) -> None:
    first, output = _run(project, f"echo {DIGEST}")
    again, _ = _run(project, "exit 1")
    file = project / ".env"

    assert again == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = first["SLUICE_CLICKHOUSE_PASSWORD"]
    assert re.fullmatch("[0-9a-f]{48}", password)
    assert password not in output
    assert first["KAFKA_IMAGE"].startswith("apache/kafka:")
    for name in ("PYTHON_IMAGE", "KAFKA_IMAGE", "CLICKHOUSE_IMAGE"):
        assert first[name].endswith(f"@{DIGEST}")
    file.unlink()
    assert _run(project, "exit 1")[0]["SLUICE_CLICKHOUSE_PASSWORD"] != password


def test_without_a_registry_the_script_lists_unpinned_images(project: Path) -> None:
    found, output = _run(project, "echo 'no such host' >&2; exit 1")

    assert list(found) == ["SLUICE_CLICKHOUSE_PASSWORD"]
    assert output.count("is not pinned") == 3
