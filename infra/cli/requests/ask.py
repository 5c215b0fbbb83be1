"""`sluice ask`: send one request over the topics and print its answer."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from core.untrusted_text import whole_text
from infra.cli.arguments.values import Text
from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.screen import console, notes, print_json
from infra.settings import InfraSettings
from schemas.chat import MAX_DEADLINE_MS
from schemas.journal_headers import JournalKind


@click.command("ask")
@click.argument("text", type=Text())
@click.option("--system", type=Text(), help="System prompt.")
@click.option("--model", type=Text(), help="Pin a model of the registry instead of routing.")
@click.option("--tier", type=Text(), help="Pin a tier.")
@click.option("--quality", type=click.Choice(["economy", "balanced", "best"]), help="Preference.")
@click.option("--feature", type=Text(), help="Feature of the request, for static rules.")
@click.option("--tenant", type=Text(), help="Tenant to charge.")
@click.option("--user-id", type=Text(), help="User of the request.")
@click.option(
    "--deadline-ms", type=click.IntRange(1, MAX_DEADLINE_MS), default=60_000, show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole reply as JSON.")
def command(text: str, *, system: str | None, as_json: bool, **fields: Any) -> None:
    """Send TEXT (or `-`: standard input) and print the answer.

    Prints routing, cost and the cost without routing on stderr.
    """
    from infra.devstack.addresses import kafka_address

    address = kafka_address(InfraSettings())
    request = {name: value for name, value in fields.items() if value is not None}
    question = sys.stdin.read() if text == "-" else text
    if system is None:
        request["prompt"] = question
    else:
        turns = (("system", system), ("user", question))
        request["messages"] = [{"role": role, "content": content} for role, content in turns]
    with notes.status("asking"):
        reply = asyncio.run(_send(address, request, fields["deadline_ms"]))
    _show(reply, as_json=as_json)
    if reply["status"] != JournalKind.REPLIED:
        error = reply["error"]
        raise FoundProblemsError(f"{reply['status']}: {error['message']} ({error['code']})")


async def _send(address: str, request: dict[str, Any], deadline_ms: int) -> dict[str, Any]:
    from streams.client.client import SluiceClient
    from streams.client.request_fields import GRACE_S
    from streams.client.settings import ClientSettings

    deadline_s = deadline_ms / 1000
    async with SluiceClient(ClientSettings(bootstrap_servers=address)) as client:
        asking = asyncio.create_task(client.exchange(request, timeout_s=deadline_s + GRACE_S))
        if not (await asyncio.wait([asking], timeout=deadline_s))[0]:
            notes.print(
                f"no reply within the deadline of {deadline_s:g} s; waiting {GRACE_S:g} s more, "
                "since the reply to an expired request comes after it"
            )
        outcome = await asking
    if outcome.reply is None:
        raise FoundProblemsError(
            f"no reply within {outcome.waited_s:g} s (deadline {deadline_s:g} s); "
            f"see `sluice status` and the worker's log{outcome.note}"
        )
    return outcome.reply.document


def _show(reply: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(reply)
        return
    message = reply["message"] or {}
    if isinstance(message.get("content"), str):
        console.print(whole_text(message["content"]), markup=False)
    for call in message.get("tool_calls") or ():
        function = call["function"]
        called = f"{function['name']}({function['arguments']})"
        console.print(whole_text(called), markup=False)
    if reply["status"] == JournalKind.REPLIED:
        notes.print(_footer(reply), style="dim", markup=False)


def _footer(reply: dict[str, Any]) -> str:
    routing = reply["routing"] or {}
    tried = " -> ".join(reply["tiers_tried"])
    parts = [
        f"{reply['model']} on tier {tried}",
        f"{reply['latency_ms']:.0f} ms",
        _money("cost", reply["cost_usd"]),
        _money("without routing", reply["baseline_cost_usd"]),
        f"{routing.get('classifier')}: {', '.join(routing.get('reasons') or ())}",
        f"request {reply['request_id']}",
    ]
    return " | ".join(parts)


def _money(what: str, usd: float | None) -> str:
    return f"{what} unknown" if usd is None else f"{what} ${usd:.6f}"
