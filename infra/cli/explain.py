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
    from infra.explain.entries import Entry
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
    from infra.explain.timeline import story_of
    from sinks.analytics.one_request import read_request
    from sinks.settings import SinkSettings

    settings = SinkSettings(clickhouse_url=clickhouse_address(InfraSettings()))
    story = story_of(read_request(request_id, tenant, settings))
    if as_json:
        print_json(_document(story))
    else:
        _tell(story)


def _tell(story: RequestTimeline) -> None:
    from rich.text import Text

    for name, value in _head(story):
        console.print(Text(f"{name:<{_WIDTH}}", style="bold") + Text(one_line(value)))
    console.print()
    for entry in story.entries:
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


def _head(story: RequestTimeline) -> list[tuple[str, str]]:
    about = " · ".join(f"{name} {value}" for name, value in story.about.items())
    lines = [
        ("request", f"{story.request_id} · tenant {story.tenant}{' · ' if about else ''}{about}"),
        ("requested", f"{story.asked_at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" UTC at {story.source}"),
        ("ended", _ended(story)),
        ("cost", _cost(story)),
    ]
    if story.baseline is not None:
        lines.append(("baseline", _baseline(story)))
    lines += [
        (name, text) for name, text in (("prompt", story.prompt), ("answer", story.answer)) if text
    ]
    if story.others:
        more = f"{story.others} older request(s) with this id are not shown"
        lines.append(("note", more))
    return lines


def _ended(story: RequestTimeline) -> str:
    if story.status is None:
        return "not yet"
    after = "" if story.latency_ms is None else f" after {story.latency_ms:,.0f} ms"
    if story.error:
        return f"{story.status}{after}: {story.error}"
    sure = "" if story.confidence is None else f", confidence {story.confidence:.2f}"
    worse = ", degraded: no better model was available" if story.degraded else ""
    return f"{story.status}{after} by {story.model} ({story.provider}){sure}{worse}"


def _cost(story: RequestTimeline) -> str:
    if story.cost is None and not story.unknown_calls:
        return "no call"
    cost = UNKNOWN if story.cost is None else dollars(story.cost)
    parts = ", ".join(f"{name} {dollars(usd)}" for name, usd in sorted(story.shares.items()))
    split = f" ({parts})" if len(story.shares) > 1 else ""
    missing = f", and {story.unknown_calls} call(s) of unknown cost" if story.unknown_calls else ""
    return f"{cost}{split}{missing}"


def _baseline(story: RequestTimeline) -> str:
    text = f"{story.baseline_model} would have cost {dollars(story.baseline or 0)}"  # type: ignore[arg-type]
    if story.cost is None or story.unknown_calls or not story.baseline:
        return text
    return f"{text}: {float(1 - story.cost / story.baseline):.1%} saved"


def _document(story: RequestTimeline) -> dict[str, Any]:
    from dataclasses import asdict

    document = asdict(story)
    document["asked_at"] = story.asked_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return document
