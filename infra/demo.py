"""The demo run without its output: sends the sample workload through a pipeline and rates it.

Requests are sent like those of any caller. The known quality of the sample's answers is sent as
feedback. The run ends when ClickHouse has all rows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.workload.sample import BAR, WorkloadJudge, load_workload
from schemas.errors import LocalStackError
from sinks.clickhouse.connection import connect
from sinks.settings import SinkSettings
from streams.client.batch.totals import SendTotals
from streams.client.client import SluiceClient
from streams.client.feedback import FeedbackMessage, publish_feedback
from streams.client.request_outcome import ReceivedReply
from streams.client.settings import ClientSettings

NEEDS = "needs:"
"""Labels of feedback with the tier that a request needs (`sluice query misrouted_requests`)."""

_TIMEOUT_S = 120.0
_STORED_BY_S = 60.0
_LOOK_S = 0.25

OnReply = Callable[["DemoRun"], None]


@dataclass(slots=True, kw_only=True)
class DemoRun:
    """Progress of a run. `needing` are requests whose first tier's answer is below the bar."""

    run: str
    total: int
    totals: SendTotals = field(default_factory=SendTotals)
    ratings: list[FeedbackMessage] = field(default_factory=list)
    needing: int = 0
    below_bar: int = 0

    @property
    def below_share(self) -> float | None:
        """Return the share of the requests that need a stronger model and got an answer below the
        bar.
        """
        return self.below_bar / self.needing if self.needing else None


async def run_demo(
    bootstrap_servers: str, clickhouse_url: str, run: str, on_reply: OnReply
) -> DemoRun:
    """Send the sample workload, send feedback, wait until the tables have all rows.

    Raises:
        LocalStackError: a reply or its rows did not arrive in time.
    """
    items = load_workload()
    judge = WorkloadJudge(items)
    items_by_id = {f"demo-{run}-{item.id}": item for item in items}
    requests = [{**item.request, "request_id": name} for name, item in items_by_id.items()]
    done = DemoRun(run=run, total=len(items))

    def count_reply(request: Mapping[str, Any], answer: ReceivedReply) -> None:
        item = items_by_id[request["request_id"]]
        done.totals.take(answer)
        score = judge.score(item.id, answer.document)
        needs_more = item.suffices != "simple"
        done.needing += needs_more
        done.below_bar += needs_more and (score is None or score < BAR)
        if score is not None:
            done.ratings.append(
                FeedbackMessage(
                    tenant=request.get("tenant"),
                    request_id=request["request_id"],
                    score=score,
                    label=f"{NEEDS}{item.suffices}",
                )
            )
        on_reply(done)

    missing = 0
    async with SluiceClient(ClientSettings(bootstrap_servers=bootstrap_servers)) as client:
        async for outcome in client.ask_many(requests, in_flight=32, timeout_s=_TIMEOUT_S):
            if outcome.reply is None:
                missing += 1
            else:
                count_reply(outcome.request, outcome.reply)
    if missing:
        raise LocalStackError(
            f"{missing} of {len(requests)} requests were not answered within "
            f"{_TIMEOUT_S:g} s; see `sluice status` and the worker's log in .sluice/"
        )
    await publish_feedback(bootstrap_servers, done.ratings)
    await asyncio.to_thread(_until_stored, clickhouse_url, done)
    return done


def _until_stored(clickhouse_url: str, done: DemoRun) -> None:
    settings = SinkSettings(clickhouse_url=clickhouse_url)
    client = connect(settings)
    database = settings.clickhouse_database
    prefix = f"demo-{done.run}-"
    wanted = (done.total, len(done.ratings))
    query = (
        f"SELECT (SELECT count() FROM {database}.requests "
        f"WHERE startsWith(request_id, '{prefix}')), "
        f"(SELECT uniqExact(request_id) FROM {database}.quality "
        f"WHERE signal = 'feedback' AND startsWith(request_id, '{prefix}'))"
    )
    until = time.monotonic() + _STORED_BY_S
    try:
        while (found := tuple(client.query(query).result_rows[0])) < wanted:
            if time.monotonic() > until:
                raise LocalStackError(
                    f"ClickHouse has {found[0]} of {wanted[0]} outcomes after {_STORED_BY_S:g} s; "
                    "see the sink's log in .sluice/"
                )
            time.sleep(_LOOK_S)
    finally:
        client.close()
