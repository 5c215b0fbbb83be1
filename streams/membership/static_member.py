"""Identity of this worker in its consumer group: a fixed name, or none.

With a fixed name (static membership) a killed worker is back in two seconds instead of a session
timeout. But two processes with one name would both consume, because aiokafka does not know the
broker's FENCED_INSTANCE_ID. So a name is only used under a lock that one process can hold.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from schemas.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class NameTakenError(ConfigurationError):
    """Another process of this machine holds the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A worker's name in journal and metrics, and its group instance id if it has one."""

    worker: str
    instance_id: str | None


class NameLock:
    """Holds a worker's name for the life of the process."""

    def __init__(self, file: IO[str], member: Member) -> None:
        self._file = file
        self.member = member

    def __enter__(self) -> Member:
        return self.member

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def lock_name(folder: Path, name: str) -> NameLock:
    """Take a worker's name.

    Raises:
        NameTakenError: another process holds it.
        ConfigurationError: the name has characters that a group instance id may not have.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "SLUICE_WORKER_INSTANCE may hold 1 to 64 letters, digits, dots, dashes, underscores"
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / f"{name}.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise NameTakenError(
            f"a worker named {name} is running already; give this one another "
            "SLUICE_WORKER_INSTANCE, or leave it unset"
        ) from None
    return NameLock(file, Member(worker=name, instance_id=name))


def anonymous_member(incarnation: str) -> Member:
    """Return the identity of a worker without a fixed name, by host and incarnation."""
    return Member(
        worker=f"{socket.gethostname()}-{os.getpid()}-{incarnation[:6]}", instance_id=None
    )
