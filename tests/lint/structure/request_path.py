"""Counts the files that one request passes through in `classify` and in `execute`.

The handlers run on the in-memory twins of the unit tests (`tests/unit/agents`): one short question
whose first answer is good. A profile hook sees each function of the product that is called.

Definitions:
- A **stop** is a stay in one file. It begins when a function of another file than the last one is
  called; calls within the file prolong it. Coming back to a caller begins no stop by itself: only
  the caller's next call does.
- A **return** is a stop in a file that was left before; so stops - returns = distinct **files**.
- Generated `__init__` methods of dataclasses have no file and do not count.

Two rows are counted for each handler. `handlers` counts the calls into the handler's own package
(the first two parts of its name, `streams.agents`): the way that its reader follows. `all` counts
all files of the product. A second run is measured, so caches that fill once are full.

The figure of 84 stops in 27 files, 57 of them returns, was counted at commit 641f5e8 by reading the
code: it follows one parameter (`work`) through every branch and stops after 400 calls. This script
runs the code instead. It sees only branches that are taken, and all objects, not one parameter.

Run as `python -m tests.lint.structure.request_path [--stops]`; `--stops` lists the stops.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from tests.lint.structure.source_tree import TESTS, product_folders
from tests.unit.agents.world import World, deliver

ROOT = Path(__file__).parents[3]
QUESTION = "What is the capital of France?"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPath:
    """The stops of one handler's run, in order."""

    stops: tuple[str, ...]

    @property
    def files(self) -> int:
        """Distinct files."""
        return len(set(self.stops))

    @property
    def returns(self) -> int:
        """Stops in a file that was left before."""
        return len(self.stops) - self.files

    def within(self, package: str) -> RequestPath:
        """The path with the calls of one package's files alone."""
        return path_of(stop for stop in self.stops if stop.startswith(package))


def path_of(calls: Iterator[str]) -> RequestPath:
    """The stops of a sequence of called files."""
    return RequestPath(stops=tuple(file for file, _ in groupby(calls)))


def request_path(run: Callable[[], object], root: Path = ROOT) -> RequestPath:
    """The path of the longest call that a test's code makes into the product.

    A test makes several: it takes a slot, it builds the message, it calls the handler.
    """
    recorder = _Recorder(root=root)
    sys.setprofile(recorder)
    try:
        run()
    finally:
        sys.setprofile(None)
    return max(map(path_of, map(iter, recorder.runs)), key=lambda path: len(path.stops))


@dataclass(slots=True, kw_only=True)
class _Recorder:
    """A profile hook that notes the file of each call, apart for each call from a test."""

    root: Path
    runs: list[list[str]] = field(default_factory=list)
    _seen: dict[int, FrameType] = field(default_factory=dict)
    """The frames that were entered. Holding them keeps their ids from being used again."""

    _tops: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._tops = frozenset({TESTS, *(top.name for top in product_folders(self.root))})

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or id(frame) in self._seen:
            return  # A coroutine's frame is entered again each time it is resumed.
        file = self._file(frame)
        if file is None or self._is_test(file):
            return
        self._seen[id(frame)] = frame
        if self._called_by_test(frame) or not self.runs:
            self.runs.append([])
        self.runs[-1].append(file)

    def _called_by_test(self, frame: FrameType) -> bool:
        """Whether only test code is above the frame; a task's frames belong to the last run."""
        above = frame.f_back
        by_test = False
        while above is not None and not _is_event_loop(above):
            file = self._file(above)
            if file is not None and not self._is_test(file):
                return False
            by_test = by_test or file is not None
            above = above.f_back
        return by_test

    def _file(self, frame: FrameType) -> str | None:
        file = frame.f_code.co_filename
        if not file.startswith(f"{self.root}{os.sep}"):
            return None
        relative = Path(file).relative_to(self.root).as_posix()
        return relative if relative.partition("/")[0] in self._tops else None

    @staticmethod
    def _is_test(file: str) -> bool:
        return file.startswith(f"{TESTS}/")


def _is_event_loop(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") == "asyncio.events"


def classify_once() -> None:
    """Pass one request to the classify handler."""
    _classify_tests().classified(orjson.dumps({"prompt": QUESTION}))


def _classify_tests() -> Any:
    """The unit tests of classify, which drive it. Their folder differs between commits."""
    (path,) = (ROOT / TESTS / "unit/agents").rglob("test_classify.py")
    return import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def execute_once() -> None:
    """Pass one hop to the execute handler."""

    async def run() -> None:
        world = World()
        await world.send(world.request(prompt=QUESTION))
        await deliver(world, await world.worker(), set())

    asyncio.run(run())


def main() -> None:
    """Print the table."""
    print("| way of one request | stops | returns | files |")
    print("|---|---|---|---|")
    for name, run in (("classify", classify_once), ("execute", execute_once)):
        run()
        path = request_path(run)
        package = "/".join(path.stops[0].split("/")[:2]) + "/"
        for scope, part in (("handlers", path.within(package)), ("all", path)):
            print(f"| {name}, {scope} | {len(part.stops)} | {part.returns} | {part.files} |")
        if "--stops" in sys.argv[1:]:
            print("\n".join(f"{at:4} {file}" for at, file in enumerate(path.stops, 1)))


if __name__ == "__main__":
    main()
