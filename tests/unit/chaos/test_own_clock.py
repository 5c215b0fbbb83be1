"""A process with its own clock: its wall clock is set at run time, the monotonic one continues."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rig.own_clock import NoOwnClockError, OwnClocks

_PRINTS_TIME = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


def test_its_wall_clock_is_set_and_its_monotonic_clock_continues(tmp_path: Path) -> None:
    try:
        clocks = OwnClocks(tmp_path, ("worker-1",))
    except NoOwnClockError as error:
        pytest.skip(str(error))
    env = {**os.environ, **clocks.env, "SLUICE_WORKER_INSTANCE": "worker-1"}
    with subprocess.Popen(
        [sys.executable, "-c", _PRINTS_TIME],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ahead = []
        for set_to in (0, 3_600, -7_200):
            clocks.set("worker-1", set_to)
            process.stdin.write("now\n")
            process.stdin.flush()
            wall, count = map(float, process.stdout.readline().split())
            ahead.append(
                (round((wall - time.time()) / 600), round((count - time.monotonic()) / 600))
            )
        process.stdin.close()

    assert ahead == [(0, 0), (6, 0), (-12, 0)]


def test_a_missing_compiler_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)

    with pytest.raises(NoOwnClockError, match="no C compiler"):
        OwnClocks(tmp_path, ("worker-1",))
