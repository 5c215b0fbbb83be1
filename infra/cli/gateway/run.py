"""`sluice gateway`: run one HTTP gateway in production."""

from __future__ import annotations

import click

from schemas.errors import ConfigurationError

_EXTRA = frozenset({"starlette", "uvicorn", "httptools"})


@click.command("gateway")
def command() -> None:
    """Run an HTTP gateway until SIGTERM: it then completes open requests.

    Clients use http://HOST:PORT/v1 as their base URL, with a key of `sluice keys create`. Settings
    are SLUICE_* variables; /health, /ready and /metrics are on SLUICE_GATEWAY_OPS_PORT.
    """
    try:
        from streams.gateway.run import run_gateway
        from streams.gateway.settings import GatewaySettings
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise ConfigurationError(
            "the gateway needs the extra `gateway`: pip install 'sluice-router[gateway]'"
        ) from error
    run_gateway(GatewaySettings())
