"""`make chaos-poison`: messages fail in every agent, in every way, and end their workers.

Two workers of one group are restarted whenever they end. Good messages precede and follow each bad
one on the same partition. The output has the starts, and the books compared with the provider's
ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from infra.cli.output.screen import console, print_table
from tests.rig.hostile.poison import EVERY_WAY, NAMES, balanced, poisoned, start
from tests.rig.stack import Stack, start_basics

ENDS_BY_S = 180.0


def main() -> int:
    """Run; 0 where every bad message ended once, every good one was answered, books balance."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.poison")
    parser.add_argument("ways", nargs="*", choices=[[], *EVERY_WAY], help="all unless named")
    chosen = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="sluice-poison-"))
    stack = Stack(folder)
    try:
        start_basics(stack, "--latency-ms", "0")
        for number, _ in enumerate(NAMES, 1):
            start(stack, number)
        stack.start_sink()
        for name in NAMES:
            stack.processes[name].wait_ready(stack.ready(name), 60)
        return _strike(stack, tuple(chosen.ways) or EVERY_WAY)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _strike(stack: Stack, ways: tuple[str, ...]) -> int:
    caller, restarts = asyncio.run(poisoned(stack, "poison", ways, ENDS_BY_S))
    books = balanced(stack, caller)
    answers = caller.replies()
    repeated = sum(len(each) - 1 for each in answers.values())
    columns = ("ways", "sent", "answered", "replies repeated", "starts again", "books balance")
    row = (
        len(ways),
        len(caller.sent),
        len(answers),
        repeated,
        sum(restarts.values()),
        "yes" if books.balanced else "no",
    )
    print_table(columns, [row])
    if not books.balanced:
        console.print(str(books.as_document()), markup=False)
    return 0 if books.balanced else 1


if __name__ == "__main__":
    sys.exit(main())
