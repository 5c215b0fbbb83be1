"""Ports of the local parts: asked for, or free and then kept over restarts.

Free ports are drawn below the range from which the kernel takes the local ports of outgoing
connections: while a part is down, its clients knock at its port, and one of them could otherwise
be given that very port as its own.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

from schemas.errors import LocalStackError

LOOPBACK = "127.0.0.1"
_FREE = range(20_000, 30_000)
_TRIES = 200


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now.

    Raises:
        LocalStackError: none was found.
    """
    for port in random.SystemRandom().sample(_FREE, _TRIES):
        if is_free(port):
            return port
    raise LocalStackError("no free port was found on 127.0.0.1")


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def kept_port(folder: Path, name: str, wanted: int | None, *, usual: int | None = None) -> int:
    """The port of a part.

    A number is that port. Zero is a free one, chosen once and kept in the folder. `None` is the
    usual port of such a part if it is free at the first start, else a free one, kept likewise.
    """
    if wanted:
        return wanted
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.port"
    if file.is_file():
        return int(file.read_text())
    port = usual if wanted is None and usual is not None and is_free(usual) else free_port()
    file.write_text(str(port))
    return port
