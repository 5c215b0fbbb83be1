"""Ties a process to its parent: `parent_death_signal.py PARENT SIGNAL COMMAND...` becomes the
command.

When the parent ends, even by `kill -9`, the kernel sends the command that signal, so no broker or
database outlives a supervisor or a test run. It is a separate program because only the child can
request this, between fork and exec. Linux supports it; elsewhere the command runs without it. The
parent is the *thread* that started it, which must therefore live on.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def become(parent: int, signal_number: int, command: list[str]) -> None:
    """Replace this process by the command; does not return.

    If the parent ended before the request, this process ends too.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
