"""CONTRIBUTING's lists of files are complete: each is compared with a present example.

A step of a list begins with the files that it is about, before the first colon. The tree is
searched for the list's example: a file that names it must be in a step, and a step's file must name
it. Files further on in a step are pointers and must exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from infra.cli.main import COMMANDS
from infra.simulator import wire
from schemas.alert_names import AlertName
from sinks.rows.tables import TABLES, EventTable
from tests.contract.test_project_files import PROJECT
from tests.unit.providers.world import MODELS

ROOT = Path(__file__).parents[2]
FOLDERS = ("core", "schemas", "streams", "sinks", "infra", "docs", "tests")
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
PAGES = {"CONTRIBUTING.md": PAGE} | {
    f"docs/decisions/{page.name}": page.read_text()
    for page in (ROOT / "docs" / "decisions").glob("*.md")
}

_PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)}|requirements)/[\w./<>*-]+|pyproject\.toml)`")
_STEP = re.compile(r"^\d+\. (.*(?:\n   .*)*)", re.MULTILINE)
_TEST_MODULE = "tests/*/test_*.py"
_MADE = re.compile(r"/__pycache__/|/\.|^docs/decisions/|^tests/contract/test_contributing\.py$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The example of a list in the tree.

    `without` are steps whose file does not name the example, with a text that it has instead;
    `bystanders` are files that name it without being part of the work, with the reason.
    """

    named: str
    without: Mapping[str, str] = field(default_factory=dict)
    bystanders: Mapping[str, str] = field(default_factory=dict)


EXAMPLES = {
    "A routing rule": Example(
        named=r'"puzzle"',
        without={
            "streams/routing/decision.py": "CODE_VERSION = ",
            "tests/recorded/decisions.jsonl": '"code_version"',
            "tests/unit/routing/rules/test_rules.py": "HARD = [",
        },
    ),
    "A provider": Example(
        named=r'"anthropic"|\banthropic =|anthropic \||api\.anthropic\.com'
        r"|AnthropicProvider|\bANTHROPIC\b",
        without={"docs/providers.md": "Anthropic"},
        bystanders={
            "tests/compat/clients/pydantic_agent.py": "a client that names its own provider",
            "tests/compat/suites_of_others.py": "names the vendor's SDK",
            "tests/golden/answers.jsonl": "recorded answers name the provider of their rows",
            "tests/sql/rig/lives.py": "the provider of made-up rows",
            "tests/unit/simulator/world.py": "asks the simulator in both formats",
        },
    ),
    "A column": Example(
        named=r"\bcalls_ms\b", without={"schemas/history/SHA256SUMS": "  OutcomeEvent/"}
    ),
    "An alert": Example(named="WORKER_NAME_TAKEN|worker_name_taken"),
    "A command": Example(
        named=r'"migrate"|\$ sluice migrate --help',
        without={"docs/operating.md": "sluice migrate"},
    ),
    "A topic": Example(
        named=r'\bBUDGETS\b|llm\.budgets|"BudgetEntry"',
        bystanders={"streams/flow/broker_clock.py": "writes its probe of the broker's time there"},
    ),
    "An endpoint": Example(
        named=r"/ready\b",
        bystanders={
            "tests/rig/kafka/topology.py": "asks a worker whether it is ready",
            "tests/rig/stack.py": "asks a gateway whether it is ready",
            "infra/cli/gateway/run.py": "the help names the pages of every process",
            "streams/gateway/settings.py": "the description names the pages of every process",
            "docs/gateway.md": "names the pages of every process",
            "docs/settings.md": "the description of a setting names the pages",
            "tests/golden/help.txt": "the help names the pages of every process",
        },
    ),
    "A setting": Example(named="WAIT_SLOTS|wait_slots"),
    "An analytics query": Example(
        named=r"\bcache_effects\b", without={"sinks/analytics/<query>.sql": "-- "}
    ),
}


@cache
def _texts() -> dict[str, str]:
    """Every text of the tree by its path."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "docker-compose.yml"]
    named = {str(path.relative_to(ROOT)): path for path in files}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in named.items()
        if not _MADE.search(name)
    }


@cache
def _mentions(pattern: str) -> frozenset[str]:
    found = re.compile(pattern)
    return frozenset(name for name, text in _texts().items() if found.search(text))


def _holding(words: str) -> set[str]:
    return {name for name, text in _texts().items() if words in text}


def _glob(path: str) -> str:
    return re.sub(r"<[^>]+>", "*", path)


def _matching(path: str, names: Iterable[str]) -> set[str]:
    return {name for name in names if fnmatchcase(name, _glob(path))}


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"CONTRIBUTING.md has no section {title}"
    return found[1]


def _steps(title: str) -> Iterator[str]:
    for step in _STEP.findall(_section(title)):
        yield from _PATH.findall(step.partition(":")[0])


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page: str) -> None:
    missing = [
        path for path in _PATH.findall(PAGES[page]) if not any(ROOT.glob(_glob(path).rstrip("/")))
    ]

    assert missing == []


def test_every_decision_record_is_complete_and_in_the_index() -> None:
    index = PAGES["docs/decisions/README.md"]
    records = {name: page for name, page in PAGES.items() if re.search(r"/\d{4}-", name)}
    numbers = sorted(int(name.split("/")[-1][:4]) for name in records)

    assert numbers == list(range(1, len(records) + 1))
    for name, page in records.items():
        assert f"]({name.split('/')[-1]})" in index, name
        headings = re.findall(r"^## (.*)", page, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], name
        assert re.search(r"^Status: (accepted|replaced by)", page, re.MULTILINE), name


def test_every_list_has_an_example() -> None:
    lists = PAGE.partition("# How to add")[2]

    assert re.findall(r"^## (.*)", lists, re.MULTILINE) == list(EXAMPLES)


@pytest.mark.parametrize("title", EXAMPLES)
def test_every_file_that_names_the_example_is_in_the_list(title: str) -> None:
    example = EXAMPLES[title]
    mentioned = _mentions(example.named) - example.bystanders.keys()
    listed = {name for step in _steps(title) for name in _matching(step, mentioned)}

    unlisted = {name for name in mentioned - listed if not fnmatchcase(name, _TEST_MODULE)}
    assert unlisted == set(), f"add them to the list {title!r} in CONTRIBUTING.md"


@pytest.mark.parametrize("title", EXAMPLES)
def test_every_file_of_the_list_has_to_do_with_the_example(title: str) -> None:
    example = EXAMPLES[title]
    mentioned = _mentions(example.named)
    for step in _steps(title):
        if step in example.without:
            texts = [_texts()[name] for name in _matching(step, _texts())]
            assert any(example.without[step] in text for text in texts), step
        else:
            assert _matching(step, mentioned), f"{step} does not name the example"


@pytest.mark.parametrize("title", EXAMPLES)
def test_no_exception_is_unused(title: str) -> None:
    example = EXAMPLES[title]

    assert set(example.without) <= set(_steps(title))
    assert example.bystanders.keys() <= _mentions(example.named)


@pytest.mark.parametrize("alert", AlertName)
def test_every_alert_is_raised_tested_and_documented(alert: AlertName) -> None:
    there = _holding(f"AlertName.{alert.name}")

    assert _matching("streams/*", there) | _matching("sinks/*", there), "nothing raises it"
    assert _matching(_TEST_MODULE, there | _holding(alert.value)), "no test names it"
    assert f"`{alert.value}`" in _texts()["docs/alert_names.md"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_file_a_help_text_and_a_page(command: str) -> None:
    place = f"infra/cli/{COMMANDS[command][0].replace('.', '/')}"
    assert _texts().keys() & {f"{place}.py", f"{place}/__init__.py"}
    assert f"$ sluice {command} --help" in _texts()["tests/golden/help.txt"]
    pages = _holding(f"sluice {command}") | _holding(f"make {command}")
    assert _matching("docs/*.md", pages) or "README.md" in pages, (
        f"no page of docs/ shows `sluice {command}`"
    )


@pytest.mark.parametrize("provider", PROJECT["project"]["entry-points"]["sluice.providers"])
def test_every_provider_has_a_layer_a_simulator_and_tests(provider: str) -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    (inside,) = (each for each in contracts if each["name"] == "Inside streams.providers")

    assert provider in inside["layers"][0].split(" | ")
    assert provider in {
        each.name for each in vars(wire).values() if isinstance(each, wire.WireFormat)
    }
    assert provider in MODELS
    assert f"provider: {provider}" in _texts()["docs/registry.md"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_in_a_migration(table: EventTable) -> None:
    migrations = "".join(_texts()[name] for name in _matching("sinks/migrations/*", _texts()))
    words = set(re.findall(r"\w+", migrations))

    assert table.columns.keys() <= words
