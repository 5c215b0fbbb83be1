"""Ties a process to its parent: `leash.py PARENT SIGNAL COMMAND...` becomes the command.

When the parent is gone, even by `kill -9`, the kernel sends the command that signal, so that no
broker or database is left behind by a supervisor or a test run that died. It is a program of its
own because only the child can ask for this, between fork and exec. Linux has it; elsewhere the
command runs without a leash. The parent is the *thread* that started it, so that must be one that
lives on.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def become(parent: int, signal_number: int, command: list[str]) -> None:
    """Replace this process by the command; does not return.

    A parent that died before the kernel was asked leaves nothing to wait for, and so ends it too.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
