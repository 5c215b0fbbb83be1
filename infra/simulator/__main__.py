"""`python -m infra.simulator`: serve until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click
import uvloop
from aiohttp import web

from infra.simulator.answers import AnswerBook, load_answers, sample_answers
from infra.simulator.faults import Latency, Weather
from infra.simulator.ledger import Ledger
from infra.simulator.server import Simulator


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="0 picks a free one.")
@click.option("--answers", type=Path, help="Recorded answers; else the sample workload's.")
@click.option("--ledger", type=Path, help="Where the books of the calls are kept.")
@click.option("--latency-ms", default=0.0, show_default=True, help="Median time to answer.")
@click.option("--latency-p95-ms", default=0.0, show_default=True, help="95th percentile of it.")
def main(
    *,
    host: str,
    port: int,
    answers: Path | None,
    ledger: Path | None,
    latency_ms: float,
    latency_p95_ms: float,
) -> None:
    """Simulate OpenAI's and Anthropic's APIs from recorded answers."""
    book = load_answers(answers) if answers else sample_answers()
    weather = Weather(Latency(median_ms=latency_ms, p95_ms=latency_p95_ms))
    uvloop.run(_serve(book, Ledger(ledger), weather, host, port))


async def _serve(book: AnswerBook, ledger: Ledger, weather: Weather, host: str, port: int) -> None:
    runner = web.AppRunner(
        Simulator(book, ledger, weather).application(), access_log=None, shutdown_timeout=1.0
    )
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=1024).start()
    click.echo(f"listening on http://{host}:{runner.addresses[0][1]}")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()
    ledger.close()


if __name__ == "__main__":
    main()
