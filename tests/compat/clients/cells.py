"""What each client script tries, and how it reports: one line of JSON for each cell."""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
import urllib.request
import zlib
from collections.abc import Callable, Mapping

GATEWAY = os.environ["SLUICE_COMPAT_GATEWAY"]
OPENAI_BASE = f"{GATEWAY}/v1"
KEY = "any"
MODEL = "auto"
HELLO = "What is Kafka?"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PATIENCE_S = 2.0
"""Time-out of the clients in the cell `retry`; the first call takes longer."""


def _pixel() -> bytes:
    """A PNG of one red pixel."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\xff\0\0")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


PIXEL = base64.b64encode(_pixel()).decode()
PIXEL_URL = f"data:image/png;base64,{PIXEL}"


def slow_once() -> None:
    """Let the next provider call take longer than the clients wait."""
    fault = {"kind": "slow", "delay_ms": PATIENCE_S * 2_000, "times": 1}
    _faults([fault])


def _faults(faults: list[dict[str, object]]) -> None:
    request = urllib.request.Request(
        f"{os.environ['SLUICE_COMPAT_SIMULATOR']}/admin/faults",
        data=json.dumps({"faults": faults}).encode(),
        headers={"content-type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=5).close()


def is_city(text: str) -> bool:
    """Whether a text is JSON by `PARAMETERS`."""
    found = json.loads(text)
    return set(found) == {"city"} and isinstance(found["city"], str)


def report(client: str, cells: Mapping[str, Callable[[], None] | str]) -> None:
    """Try each cell; a text is the reason why the client has no such thing."""
    for name, attempt in cells.items():
        if isinstance(attempt, str):
            _tell(client, name, "none", attempt)
            continue
        try:
            attempt()
        except Exception as error:  # noqa: BLE001  (whatever a client raises is the cell's result)
            text = " ".join(str(error).split())[:200]
            _tell(client, name, "failed", f"{type(error).__name__}: {text}")
        else:
            _tell(client, name, "passed", "")
        finally:
            _faults([])


def _tell(client: str, cell: str, state: str, reason: str) -> None:
    line = {"client": client, "cell": cell, "state": state, "reason": reason}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
