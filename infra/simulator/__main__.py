"""`python -m infra.simulator`: serve until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click
import uvloop

from infra.simulator.process import LISTENING, SimulatorOptions, simulator
from schemas.errors import LocalStackError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="0 picks a free one.")
@click.option("--address-file", type=Path, help="File for the address, written once it listens.")
@click.option("--answers", type=Path, help="Recorded answers; they precede those of the sample.")
@click.option("--ledger", type=Path, help="File for the ledger of calls.")
@click.option("--seed", default=0, show_default=True, help="Seed of latencies and faults.")
@click.option(
    "--latency-ms", type=float, help="Median latency of every model, 0 for none. [by model tier]"
)
@click.option(
    "--latency-p95-ms", type=float, help="95th percentile of the latency. [twice the median]"
)
@click.option("--cached-tokens", is_flag=True, help="Bill repeated prefixes as cached.")
@click.option("--require-key", is_flag=True, help="Reject calls without a key.")
@click.option(
    "--alias",
    multiple=True,
    metavar="MODEL=RECORDED",
    help="Use the recorded answers of another model.",
)
def main(
    *,
    host: str,
    port: int,
    address_file: Path | None,
    answers: Path | None,
    ledger: Path | None,
    seed: int,
    latency_ms: float | None,
    latency_p95_ms: float | None,
    cached_tokens: bool,
    require_key: bool,
    alias: tuple[str, ...],
) -> None:
    """Simulate OpenAI's and Anthropic's APIs from recorded answers and the sample workload."""
    pairs = [each.partition("=") for each in alias]
    if not all(model and recorded for model, _, recorded in pairs):
        raise click.UsageError("--alias expects MODEL=RECORDED")
    options = SimulatorOptions(
        host=host,
        port=port,
        answers=answers,
        ledger=ledger,
        seed=seed,
        latency_ms=latency_ms,
        latency_p95_ms=latency_p95_ms,
        caches=cached_tokens,
        require_key=require_key,
        aliases=tuple((model, recorded) for model, _, recorded in pairs),
    )
    try:
        uvloop.run(_serve(options, address_file))
    except LocalStackError as error:
        raise click.ClickException(str(error)) from error


async def _serve(options: SimulatorOptions, address_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with simulator(options) as running:
        if address_file is not None:
            await asyncio.to_thread(address_file.write_text, running.url)
        click.echo(f"{LISTENING}{running.url}")
        await stop.wait()


if __name__ == "__main__":
    main()
