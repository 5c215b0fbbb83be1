"""The way of a request is counted from calls that cross files."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.lint.structure.request_path import (
    classify_once,
    execute_once,
    path_of,
    request_path,
)

HANDLER = """
import asyncio
from waypoints import store

async def handle(effect):
    await asyncio.sleep(0)
    store.first()
    own()
    await asyncio.sleep(0)
    store.second()
    effect(store.first)
    await asyncio.create_task(later())

def own(): ...

async def later():
    store.first()
"""
STORE = "def first(): ...\ndef second(): ...\n"


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A generated product of two files, and a test that calls it."""
    for name, text in {
        "waypoints/__init__.py": "",
        "waypoints/handler.py": HANDLER,
        "waypoints/store.py": STORE,
        "tests/__init__.py": "",
        "tests/driver.py": "from waypoints.handler import handle, own\n"
        "async def drive():\n    own()\n    await handle(lambda effect: effect())\n    own()\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "tests"))
    yield tmp_path
    for name in ("waypoints", "waypoints.handler", "waypoints.store", "driver"):
        sys.modules.pop(name, None)


def test_a_stop_is_a_stay_in_a_file_and_a_return_one_that_was_left_before() -> None:
    path = path_of(iter(["a", "a", "b", "a", "c", "c", "b"]))
    assert path.stops == ("a", "b", "a", "c", "b")
    assert (path.files, path.returns) == (3, 2)
    assert path.within("a").stops == ("a",)


def test_the_handler_is_the_longest_call_of_the_test_and_resumed_coroutines_count_once(
    product: Path,
) -> None:
    drive = import_module("driver").drive
    path = request_path(lambda: asyncio.run(drive()), product)
    assert [Path(stop).stem for stop in path.stops] == [
        "handler",
        "store",
        "handler",
        "store",
        "handler",
        "store",
    ]


@pytest.mark.parametrize(("run", "word"), [(classify_once, "classify"), (execute_once, "execute")])
def test_the_handlers_of_the_product_are_found(run, word: str) -> None:  # type: ignore[no-untyped-def]
    path = request_path(run)
    assert path.stops[0].startswith(f"streams/agents/{word}")
    assert 5 < path.files < len(path.stops)
