"""`sluice send`: send a file of requests over the topics and collect their replies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from infra.cli.arguments.values import Number, OutFile, is_text
from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.screen import console, notes, print_json, print_table
from infra.settings import InfraSettings

if TYPE_CHECKING:
    from streams.client.batch.totals import SendTotals
    from streams.client.request_outcome import RequestOutcome


@click.command("send")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--out", type=OutFile(), help="Write the replies to this file, JSON lines.")
@click.option("--in-flight", type=click.IntRange(1, 10_000), default=64, show_default=True)
@click.option("--rate", type=Number(0.001, 1e6), help="Maximum requests per second.")
@click.option("--prompt-field", help="Field with the prompt, if the lines are data rows.")
@click.option("--id-field", help="Field with the request id.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="For every request.")
@click.option("--timeout-s", type=Number(1, 172_800), default=630.0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the totals as JSON.")
def command(
    file: Path,
    *,
    out: Path | None,
    in_flight: int,
    rate: float | None,
    prompt_field: str | None,
    id_field: str | None,
    settings: Sequence[str],
    timeout_s: float,
    as_json: bool,
) -> None:
    """Send every request of FILE (JSON lines, also .gz; `-`: standard input).

    Each line is a request: {"prompt": ..., "feature": ...} or OpenAI's chat body. The whole file is
    read before sending. In a pipe, replies go to standard output as they arrive. Lines without an
    answer are listed on stderr. Exits 1 if there are such lines, or if a reply is missing.
    """
    import uuid

    import orjson

    from infra.devstack.addresses import kafka_address
    from streams.client.batch.request_file import RequestFileFormat, identity_of, numbered_requests
    from streams.client.batch.totals import SendTotals
    from streams.client.batch.unfinished import Unfinished
    from streams.client.request_outcome import RequestOutcome

    reading = RequestFileFormat(
        prompt_field=prompt_field,
        id_field=id_field,
        extra=_extra(settings),
        id_prefix=f"send-{uuid.uuid4().hex[:8]}-",
    )
    numbered = numbered_requests(file, reading)
    unfinished = Unfinished(lines={identity_of(each): line for line, each in numbered})
    requests = [each for _, each in numbered]
    address = kafka_address(InfraSettings())
    totals, unanswered = SendTotals(), list[RequestOutcome]()
    with ExitStack() as stack:
        sink = _replies_to(stack, out, as_json=as_json)

        def on_end(outcome: RequestOutcome) -> None:
            unfinished.take(outcome)
            if outcome.reply is None:
                unanswered.append(outcome)
                return
            totals.take(outcome.reply)
            if sink is not None:
                document = outcome.reply.document
                sink.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))

        limits = {"in_flight": in_flight, "rate": rate, "timeout_s": timeout_s}
        asyncio.run(_send(address, requests, on_end, limits))
    if as_json:
        print_json(totals.as_document() | {"not_replied": unfinished.as_document()})
    else:
        show_totals(totals)
        for line in unfinished.in_words():
            notes.print(line, style="yellow", markup=False)
    if unanswered:
        raise FoundProblemsError(
            f"{len(unanswered)} of {len(requests)} requests had no reply, the first is "
            f"{unanswered[0].request['request_id']}; see `sluice status` and the worker's log"
            f"{unanswered[-1].note}"
        )
    if unfinished.count:
        raise FoundProblemsError(f"{unfinished.count} of {len(requests)} requests got no answer")


def _extra(settings: Sequence[str]) -> dict[str, str]:
    extra = {}
    for entry in settings:
        name, equals, value = entry.partition("=")
        if not equals or not name or not is_text(entry):
            raise click.BadParameter(f"{entry!r} is not FIELD=VALUE", param_hint="--set")
        extra[name] = value
    return extra


def _replies_to(stack: ExitStack, out: Path | None, *, as_json: bool) -> IO[bytes] | None:
    if out is not None:
        return stack.enter_context(out.open("wb"))
    if console.is_terminal or as_json:
        return None
    return click.get_binary_stream("stdout")


async def _send(
    address: str,
    requests: Sequence[Mapping[str, Any]],
    on_end: Callable[[RequestOutcome], None],
    limits: Mapping[str, Any],
) -> None:
    """Send the requests, and hand on how each ended."""
    from infra.cli.output.progress import progress_bar
    from streams.client.client import SluiceClient
    from streams.client.settings import ClientSettings

    with progress_bar("replies", len(requests)) as advance:
        async with SluiceClient(ClientSettings(bootstrap_servers=address)) as client:
            async for outcome in client.ask_many(requests, **limits):
                on_end(outcome)
                advance()


def show_totals(totals: SendTotals) -> None:
    """Print the totals of the replies on stderr."""
    answered = ", ".join(f"{count} {status}" for status, count in totals.statuses.most_common())
    notes.print(f"{totals.replies} replies: {answered or 'none'}")
    if totals.errors:
        errors = ", ".join(f"{count} {code}" for code, count in totals.errors.most_common())
        notes.print(f"errors: {errors}")
    if console.is_terminal and totals.tiers:
        rows = [
            (tier, count, f"{count / totals.replies:.0%}")
            for tier, count in totals.tiers.most_common()
        ]
        print_table(("answered on tier", "requests", "share"), rows)
    saved = totals.saved_share
    notes.print(
        f"cost ${totals.cost_nano / 1e9:.6f}"
        + (f", unknown for {totals.unknown_cost}" if totals.unknown_cost else "")
        + ("" if saved is None else f"; saved {saved:.1%} of ${totals.baseline_nano / 1e9:.6f}")
    )
