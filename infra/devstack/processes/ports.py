"""Ports of local components: configured, or free and then kept over restarts.

Free ports are taken from below the kernel's range for outgoing connections: while a component is
down, its clients retry its port, and one of them could otherwise be given that port as its own.
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
    """Return a TCP port of loopback that is not in use.

    Raises:
        LocalStackError: none was found.
    """
    for port in random.SystemRandom().sample(_FREE, _TRIES):
        if is_free(port):
            return port
    raise LocalStackError("no free port on 127.0.0.1")


def is_free(port: int) -> bool:
    """Return whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def kept_port(folder: Path, name: str, wanted: int | None, *, usual: int | None = None) -> int:
    """Return the port of a component.

    A number is that port. Zero is a free one, chosen once and kept in the folder. `None` is the
    default port of the component if it is free at the first start, else a free one, also kept.
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
