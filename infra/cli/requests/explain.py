"""`sluice explain`: the timeline of a request, from the decision to the last signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from core.untrusted_text import one_line
from infra.cli.output.screen import console, print_json
from infra.figures import UNKNOWN, dollars
from infra.settings import InfraSettings
from schemas.journal_headers import TERMINAL, JournalKind

if TYPE_CHECKING:
    from infra.explain.recorded import Entry
    from infra.explain.timeline import RequestTimeline

_STYLES = {kind.value: "green" if kind is JournalKind.REPLIED else "red" for kind in TERMINAL}
_WIDTH = 11


@click.command("explain")
@click.argument("request_id")
@click.option("--tenant", default="", help="Tenant of the request; default any.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(request_id: str, *, tenant: str, as_json: bool) -> None:
    """Show the timeline of request REQUEST_ID: its routing reasons, calls and costs.

    Times are relative to the request's append to its topic.
    """
    from infra.devstack.addresses import clickhouse_address
    from infra.explain.timeline import timeline_of
    from sinks.analytics.one_request import read_request
    from sinks.settings import SinkSettings

    settings = SinkSettings(clickhouse_url=clickhouse_address(InfraSettings()))
    timeline = timeline_of(read_request(request_id, tenant, settings))
    if as_json:
        print_json(_document(timeline))
    else:
        _show(timeline)


def _show(timeline: RequestTimeline) -> None:
    from rich.text import Text

    for name, value in _head(timeline):
        console.print(Text(f"{name:<{_WIDTH}}", style="bold") + Text(one_line(value)))
    console.print()
    for entry in timeline.entries:
        console.print(_line(entry))
        for detail in entry.details:
            console.print(Text(" " * (_WIDTH + 2) + one_line(detail), style="dim"))


def _line(entry: Entry) -> Any:
    from rich.text import Text

    line = Text(f"{_time(entry.at_ms):>{_WIDTH - 1}}  ", style="cyan")
    line.append(one_line(entry.title), style=_STYLES.get(entry.kind, ""))
    if entry.took_ms is not None:
        line.append(f", {entry.took_ms:,.0f} ms")
    if entry.costs:
        line.append(", " + ("cost unknown" if entry.cost is None else dollars(entry.cost)))
    return line


def _time(at_ms: float) -> str:
    if abs(at_ms) < 10_000:
        return f"{at_ms:+.0f} ms"
    return f"{at_ms / 1000:+,.1f} s"


def _head(timeline: RequestTimeline) -> list[tuple[str, str]]:
    about = " · ".join(f"{name} {value}" for name, value in timeline.about.items())
    lines = [
        (
            "request",
            f"{timeline.request_id} · tenant {timeline.tenant}{' · ' if about else ''}{about}",
        ),
        (
            "requested",
            f"{timeline.asked_at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" UTC at {timeline.source}",
        ),
        ("ended", _ended(timeline)),
        ("cost", _cost(timeline)),
    ]
    if timeline.baseline is not None:
        lines.append(("baseline", _baseline(timeline)))
    lines += [
        (name, text)
        for name, text in (("prompt", timeline.prompt), ("answer", timeline.answer))
        if text
    ]
    if timeline.others:
        more = f"{timeline.others} older request(s) with this id are not shown"
        lines.append(("note", more))
    return lines


def _ended(timeline: RequestTimeline) -> str:
    if timeline.status is None:
        return "not yet"
    after = "" if timeline.latency_ms is None else f" after {timeline.latency_ms:,.0f} ms"
    if timeline.error:
        return f"{timeline.status}{after}: {timeline.error}"
    sure = "" if timeline.confidence is None else f", confidence {timeline.confidence:.2f}"
    worse = ", degraded: no better model was available" if timeline.degraded else ""
    return f"{timeline.status}{after} by {timeline.model} ({timeline.provider}){sure}{worse}"


def _cost(timeline: RequestTimeline) -> str:
    if timeline.cost is None and not timeline.unknown_calls:
        return "no call"
    cost = UNKNOWN if timeline.cost is None else dollars(timeline.cost)
    parts = ", ".join(f"{name} {dollars(usd)}" for name, usd in sorted(timeline.shares.items()))
    split = f" ({parts})" if len(timeline.shares) > 1 else ""
    missing = (
        f", and {timeline.unknown_calls} call(s) of unknown cost" if timeline.unknown_calls else ""
    )
    return f"{cost}{split}{missing}"


def _baseline(timeline: RequestTimeline) -> str:
    text = f"{timeline.baseline_model} would have cost {dollars(timeline.baseline or 0)}"  # type: ignore[arg-type]
    if timeline.cost is None or timeline.unknown_calls or not timeline.baseline:
        return text
    return f"{text}: {float(1 - timeline.cost / timeline.baseline):.1%} saved"


def _document(timeline: RequestTimeline) -> dict[str, Any]:
    from dataclasses import asdict

    document = asdict(timeline)
    document["asked_at"] = timeline.asked_at.isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )
    return document
