"""Which registry version the local pipeline's workers decide by, as they say themselves."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

from infra.local.state import running_state
from schemas.errors import LocalStackError

USED_BY_S = 10.0
_LOOK_S = 0.05


def wait_until_used(home: Path, version: str, timeout_s: float = USED_BY_S) -> list[str]:
    """Wait until every worker of the pipeline in this folder decides by a version; their names.

    Nothing is waited for where no local pipeline runs.

    Raises:
        LocalStackError: a worker kept another version; the message names it.
    """
    state = running_state(home)
    if state is None:
        return []
    workers = {
        part.name: f"{part.address}/health"
        for part in state.parts
        if part.name.startswith("worker") and part.pid is not None
    }
    until = time.monotonic() + timeout_s
    while (others := {name for name, url in workers.items() if _used(url) != version}) and (
        time.monotonic() < until
    ):
        time.sleep(_LOOK_S)
    if others:
        raise LocalStackError(
            f"{version} is current, but {', '.join(sorted(others))} did not take it up within "
            f"{timeout_s:g} s; the worker's log and the topic llm.alerts.v1 say why"
        )
    return sorted(workers)


def _used(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            version: str | None = json.load(response).get("registry")
            return version
    except (urllib.error.URLError, ConnectionError, TimeoutError, json.JSONDecodeError):
        return None
