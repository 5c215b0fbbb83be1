"""The documentation is correct: its YAML validates, its commands and options exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
import yaml

from core.environment import KNOWN, OF_OTHERS
from infra.cli.main import sluice
from infra.devstack.registry import local_registry
from schemas.records import Reply, Routing
from streams.agents.feedback import FeedbackDocument
from streams.providers.installed import GROUP
from streams.registry.learned import default_artifact
from streams.registry.version import parse_registry
from streams.routing.learned.artifact import Artifact
from tests.rig.doc_blocks import PAGES, ROOT, Block, blocks, commands, inline_commands

YAML = blocks("yaml")
JSON, TOML = blocks("json"), blocks("toml")
SHELL = [block for block in blocks("", "sh", "bash") if commands(block)]


def _any_artifact(name: str) -> Artifact:
    """An artifact of any hash that a page shows, with the page's columns."""
    columns = ("gpt-4o-mini", "moderate", "o1-mini", "complex")
    return replace(default_artifact(), hash=name, columns=columns)


def _around(block: Block) -> dict[str, Any]:
    """The block's document, completed with the local registry's parts."""
    found: dict[str, Any] = yaml.safe_load(block.text)
    if "models" in found:
        return found
    base: dict[str, Any] = yaml.safe_load(local_registry("http://127.0.0.1:1"))
    policy = {**base["policy"], **found.get("policy", {})}
    return {**base, **found, "policy": policy}


@pytest.mark.parametrize("block", YAML, ids=[block.place for block in YAML])
def test_a_sample_of_a_registry_validates(block: Block) -> None:
    if block.reason is not None:
        pytest.skip(block.reason)
    parse_registry(yaml.safe_dump(_around(block)), artifacts=_any_artifact)


@pytest.mark.parametrize("block", JSON, ids=[block.place for block in JSON])
def test_a_sample_of_a_message_has_the_fields_of_its_record(block: Block) -> None:
    document = orjson.loads(block.text)
    if "status" in document:
        known = {item.name.replace("_nano", "_usd") for item in fields(Reply)}
        assert document.keys() <= known
        assert document["routing"].keys() <= {item.name for item in fields(Routing)}
    else:
        FeedbackDocument.model_validate(document)


@pytest.mark.parametrize("block", TOML, ids=[block.place for block in TOML])
def test_a_sample_of_a_plug_in_declares_the_group_that_is_read(block: Block) -> None:
    assert tomllib.loads(block.text)["project"]["entry-points"].keys() == {GROUP}


def _resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words begin with, and the words behind its name."""
    command: click.Command = sluice
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z]+", words[0]):
        inner = command.get_command(click.Context(command), words[0])
        assert inner is not None, f"there is no command {words[0]}"
        command, words = inner, words[1:]
    return command, words


def _check(text: str) -> None:
    words = text.replace("[", " ").replace("]", " ").split()
    command, rest = _resolved(words)
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    given = [word.split("=")[0].strip(".,;") for word in rest if word.startswith("-")]
    assert [name for name in given if name not in known | {"--help", "-h"}] == [], text


@pytest.mark.parametrize("block", SHELL, ids=[block.place for block in SHELL])
def test_commands_in_blocks_are_there_with_their_options(block: Block) -> None:
    for each in commands(block):
        _check(each)


@pytest.mark.parametrize(
    ("page", "text"), inline_commands(), ids=[f"{page}:{text}" for page, text in inline_commands()]
)
def test_commands_in_running_text_are_there_with_their_options(page: str, text: str) -> None:
    _check(text)


def test_every_documented_variable_is_read() -> None:
    found = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"SLUICE_[A-Z0-9_]*[A-Z0-9]\b(?!_?\*)", page.read_text("utf-8"))
    }

    unread = {(page, name) for page, name in found if name not in KNOWN | OF_OTHERS}
    assert {each for each in unread if not each[1].startswith("SLUICE_TEST_")} == set()


def test_every_documented_test_exists() -> None:
    named = {
        (page.name, file, name)
        for page in PAGES
        for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text("utf-8"))
    }
    gone = [each for each in named if f"def {each[2]}(" not in (ROOT / each[1]).read_text("utf-8")]
    assert named
    assert gone == []


def test_every_link_between_pages_leads_somewhere() -> None:
    targets = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if "://" not in target
    ]
    broken = [(page.name, each) for page, each in targets if not (page.parent / each).exists()]

    assert broken == []


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert [page.name for page in PAGES if f"docs/{page.name}" not in readme
            and page.name != "README.md"] == []  # fmt: skip


def test_commands_of_a_block_are_found_with_their_second_lines() -> None:
    block = Block(
        page="x", line=1, kind="",
        text="$ .venv/bin/sluice ask hi   # a question\nhello\nA=b sluice eval --data FILE\n"
        "            [--folds 5]\n",
    )  # fmt: skip

    assert commands(block) == ["ask hi", "eval --data FILE [--folds 5]"]
    assert shlex.split(commands(block)[0]) == ["ask", "hi"]
    assert Path(__file__).exists()
