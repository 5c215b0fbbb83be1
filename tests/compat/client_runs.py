"""The client scripts, run one after the other, and their cells."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.compat.environment import NODE_FOLDER, PYTHON, ROOT, node_problem

CELLS = (
    *("plain", "stream", "tools", "parallel tools", "JSON schema"),
    *("image", "error", "usage", "cancel", "retry"),
)

PYTHON_CLIENTS = (
    *("openai_sdk", "openai_responses", "anthropic_sdk", "langchain_chat"),
    *("litellm_client", "pydantic_agent", "llm_package"),
)

NODE_CLIENTS: Mapping[str, tuple[str, ...]] = {
    "openai_sdk.mjs": ("OpenAI SDK, JavaScript",),
    "anthropic_sdk.mjs": ("Anthropic SDK, JavaScript",),
    "vercel_ai_sdk.mjs": ("Vercel AI SDK (OpenAI)", "Vercel AI SDK (Anthropic)"),
}

_CLIENT_S = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One try of a client. `state`: `passed`, `failed`, `none` (the client has no such thing) or
    `not run`.
    """

    client: str
    cell: str
    state: str
    reason: str = ""


def run_clients(env: Mapping[str, str]) -> Iterator[Cell]:
    """Run every client script, and yield its cells."""
    for name in PYTHON_CLIENTS:
        command = [str(PYTHON), "-W", "ignore", "-m", f"tests.compat.clients.{name}"]
        yield from _cells(name, command, str(ROOT), env)
    problem = node_problem()
    for script, clients in NODE_CLIENTS.items():
        if problem:
            yield from _not_run(clients, problem)
        else:
            yield from _cells(script, ["node", script], str(NODE_FOLDER), env)


def _not_run(clients: Iterable[str], reason: str) -> Iterator[Cell]:
    for client in clients:
        for cell in CELLS:
            yield Cell(client=client, cell=cell, state="not run", reason=reason)


def _cells(name: str, command: list[str], folder: str, env: Mapping[str, str]) -> Iterator[Cell]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=_CLIENT_S,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"client"')]
    yield from (Cell(**json.loads(line)) for line in lines)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1][:200]
        yield Cell(client=name, cell="plain", state="failed", reason=f"the script ended: {last}")
