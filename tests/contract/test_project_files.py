"""Makefile, hooks, changelog and package data agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["importlinter"]["root_packages"]


def test_the_commit_hooks_run_the_commands_of_make_check() -> None:
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    commands = [
        line.removeprefix("\t@").replace("$(BIN)", ".venv/bin").replace("$$", "$")
        for line in recipe[1].splitlines()
    ]

    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert [repo["repo"] for repo in repos] == ["local"]
    assert [hook["entry"] for hook in repos[0]["hooks"]] == commands


def test_the_changelog_has_unreleased_changes_and_the_current_version() -> None:
    titles = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert titles[0] == "Unreleased"
    assert PROJECT["project"]["version"] in titles


def test_the_licence_is_the_one_that_the_metadata_names() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_marked_as_typed_and_is_checked(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
    assert package in PROJECT["tool"]["mypy"]["packages"]
    assert package in PROJECT["tool"]["deptry"]["known_first_party"]
    assert f"{package}*" in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert f"COPY {package} {package}\n" in (ROOT / "infra/deploy/Dockerfile").read_text()
