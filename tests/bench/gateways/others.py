"""Gateways of others for the comparison, started from .venv-others (`make bench-gateways`).

LiteLLM's proxy routes with its complexity router, one process, no database. Portkey's gateway
passes requests to the provider that their headers name; it neither logs nor stores.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.devstack.processes.ports import free_port
from infra.devstack.processes.process import start_process
from tests.bench.gateways.closed_loop import Endpoint
from tests.bench.trees import BenchError
from tests.rig.stack import READY_S, Stack, answers

HERE = Path(".venv-others")
LITELLM, PORTKEY = "litellm", "portkey"
_PORTKEY_START = HERE / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
_TIER_MODELS = {
    "SIMPLE": "gpt-4o-mini",
    "MEDIUM": "gpt-4o-mini",
    "COMPLEX": "gpt-4o",
    "REASONING": "gpt-4o",
}
_ROUTED = "smart-router"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherGateway:
    """A gateway: its name, the processes of the stack that do its work, and its endpoint. `start`
    starts it; `problem` says why it can not be started, if so.
    """

    name: str
    problem: str | None
    start: Callable[[Stack], Endpoint]


def other_gateways() -> tuple[OtherGateway, ...]:
    """LiteLLM's proxy and Portkey's gateway."""
    has_litellm = (HERE / "bin" / "litellm").is_file()
    has_portkey = _PORTKEY_START.is_file() and shutil.which("node") is not None
    install = "is not installed: make bench-gateways"
    return (
        OtherGateway(
            name=LITELLM,
            problem=None if has_litellm else f"LiteLLM {install}",
            start=_start_litellm,
        ),
        OtherGateway(
            name=PORTKEY,
            problem=None if has_portkey else f"Portkey's gateway {install} (needs node and npm)",
            start=_start_portkey,
        ),
    )


def _start_litellm(stack: Stack) -> Endpoint:
    config = stack.folder / "litellm.yaml"
    config.write_text(yaml.safe_dump(_litellm_config(f"{stack.simulator_url}/v1")))
    port = free_port()
    command = [
        *(str((HERE / "bin" / "litellm").absolute()), "--config", str(config)),
        *("--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"),
    ]
    # Prices come from the package, not from its vendor's site.
    env = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    _start(stack, LITELLM, command, env, f"http://127.0.0.1:{port}/health/liveliness")
    return Endpoint(
        url=f"http://127.0.0.1:{port}/v1/chat/completions",
        body={"model": _ROUTED},
        headers={"authorization": "Bearer any"},
    )


def _litellm_config(provider: str) -> dict[str, Any]:
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "api_base": provider, "api_key": "any"},
        }
        for name in sorted(set(_TIER_MODELS.values()))
    ]
    routed = {
        "model_name": _ROUTED,
        "litellm_params": {
            "model": "auto_router/complexity_router",
            "complexity_router_config": {"tiers": _TIER_MODELS},
        },
    }
    return {"model_list": [*models, routed]}


def _start_portkey(stack: Stack) -> Endpoint:
    node = shutil.which("node")
    if node is None:
        raise BenchError("node is not installed")
    port = free_port()
    command = [node, str(_PORTKEY_START.absolute()), f"--port={port}", "--headless"]
    _start(stack, PORTKEY, command, {"NODE_ENV": "production"}, f"http://127.0.0.1:{port}/")
    return Endpoint(
        url=f"http://127.0.0.1:{port}/v1/chat/completions",
        body={"model": "gpt-4o-mini"},
        headers={
            "authorization": "Bearer any",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{stack.simulator_url}/v1",
        },
    )


def _start(stack: Stack, name: str, command: list[str], env: dict[str, str], probe: str) -> None:
    process = start_process(name, command, folder=stack.folder / name, env=env)
    stack.processes[name] = process
    process.wait_ready(lambda: answers(probe), READY_S)
