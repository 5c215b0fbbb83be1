"""`--execute`: real calls of a replay's models, within a separate budget.

Invariants: before each call its expected cost is compared with the rest of the budget, calls in
flight included. Every call that ended is recorded with purpose `replay`, which is on no sender's
budget. No reply is sent. A call interrupted with this process is not recorded: a replay journals no
start.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import ConfigurationError, SluiceError
from schemas.events import CostEvent
from streams.providers.exchange import EndedCall, chat_call, complete
from streams.providers.port import Completion, Provider, Usage
from streams.providers.pricing.price_list import PriceBook
from streams.routing.confidence.scorers import Answered
from streams.routing.confidence.second_opinion import judge_body, read_judgement
from streams.routing.features.request_features import estimate_tokens
from streams.routing.parameters.answer_limits import answer_limit, requested_limit
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS, Candidate
from streams.routing.snapshot import Model, RegistrySnapshot

PURPOSE = "replay"
AT_ONCE = 8


class NoPriceError(SluiceError):
    """A model has no price, so no budget can be kept; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One request for a model: its identity, its body, and the score (0..1) of the real answer, if
    it has one.
    """

    tenant: str
    request_id: str
    body: Mapping[str, Any]
    model: str
    was_score: float | None = None
    feature: str | None = None


@dataclass(slots=True, kw_only=True)
class ExecutedReplay:
    """The result; money in nano-USD, `pairs` are (before, now) scores of one request."""

    calls: int = 0
    spent_nano: int = 0
    unknown_cost: int = 0
    answered: int = 0
    not_asked: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    pairs: list[tuple[float, float]] = field(default_factory=list)


Book = Callable[[CostEvent], None]

Judged = Callable[[Task, str, float], None]
"""Receives the call whose answer a judge has scored, and the score."""


@dataclass(slots=True, kw_only=True)
class Executor:
    """Calls, records and judges; `max_nano` is its budget."""

    snapshot: RegistrySnapshot
    providers: Mapping[str, Provider]
    pricing: PriceBook
    max_nano: int
    book: Book
    judged: Judged
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000)
    _held: int = 0
    _found: ExecutedReplay = field(default_factory=ExecutedReplay)

    async def run(self, tasks: Sequence[Task], on_done: Callable[[], None]) -> ExecutedReplay:
        """Execute every task while the budget lasts.

        Raises:
            NoPriceError: a model, or the judge, has no price.
            ConfigurationError: a model's provider is not installed.
        """
        queue = list(reversed(tasks))
        judge = self.snapshot.policy.judge
        names = {task.model for task in tasks} | ({judge.model} if judge else set())
        for name in names:
            model = self.snapshot.models[name]
            self._expected(model, {"messages": []})
            if model.provider not in self.providers:
                raise ConfigurationError(f"{name}: provider {model.provider} is not installed")

        async def worker() -> None:
            while queue:
                task = queue.pop()
                await self._task(task)
                on_done()

        await asyncio.gather(*(worker() for _ in range(min(AT_ONCE, len(tasks)))))
        return self._found

    async def _task(self, task: Task) -> None:
        call_result = await self._call(task, self.snapshot.models[task.model], task.body)
        if call_result is None:
            return
        call_id, completion = call_result
        self._found.answered += 1
        judge = self.snapshot.policy.judge
        if judge is None:
            return
        answered = Answered(
            body=task.body, message=completion.message, finish_reason=completion.finish_reason
        )
        model = self.snapshot.models[judge.model]
        judgement = await self._call(task, model, judge_body(answered, model))
        score = None if judgement is None else read_judgement(judgement[1].message)
        if score is None:
            return
        self._found.scores.append(score)
        if task.was_score is not None:
            self._found.pairs.append((task.was_score, score))
        self.judged(task, call_id, score)

    def _expected(self, model: Model, body: Mapping[str, Any]) -> int:
        most = requested_limit(body) or EXPECTED_OUTPUT_TOKENS
        usage = Usage(
            input_tokens=estimate_tokens(body), output_tokens=min(most, EXPECTED_OUTPUT_TOKENS)
        )
        cost, _ = self.pricing.cost_of(model, usage)
        if cost is None:
            raise NoPriceError(
                f"{model.name} has no price, which --max-usd requires; set "
                f"models.{model.name}.price in the registry"
            )
        return cost

    async def _call(
        self, task: Task, model: Model, body: Mapping[str, Any]
    ) -> tuple[str, Completion] | None:
        expected = self._expected(model, body)
        if self._found.spent_nano + self._held + expected > self.max_nano:
            self._found.not_asked += 1
            return None
        self._held += expected
        candidate = Candidate(model=model, instance=model.instances[0])
        limits = self.snapshot.policy.timeouts
        call = chat_call(
            uuid.uuid4().hex,
            model,
            body,
            limits,
            total_ms=limits.total_ms,
            max_output_tokens=answer_limit(body, model, estimate_tokens(body)),
        )
        started_at, before = self.now_ms(), time.monotonic()
        completion, error = await complete(call, candidate, self.providers)
        ended = EndedCall(
            call_id=call.call_id,
            started_at=started_at,
            latency_ms=(time.monotonic() - before) * 1000,
            completion=completion,
            error=error,
        )
        self._held -= expected
        self._book(task, candidate, ended)
        return None if completion is None else (call.call_id, completion)

    def _book(self, task: Task, candidate: Candidate, ended: EndedCall) -> None:
        model = candidate.model
        event = ended.cost_event(
            candidate,
            ended.price(lambda usage: self.pricing.cost_of(model, usage)),
            tenant=task.tenant,
            request_id=task.request_id,
            hop=0,
            visit=0,
            purpose=PURPOSE,
            at=self.now_ms(),
            worker=PURPOSE,
            incarnation=PURPOSE,
            feature=task.feature,
            registry_version=self.snapshot.version,
        )
        found, cost = self._found, event.cost_nano
        found.calls += 1
        found.unknown_cost += cost is None
        # An unknown cost counts with its expected value.
        found.spent_nano += cost if cost is not None else self._expected(model, task.body)
        if ended.error is not None:
            found.failed[event.status] = found.failed.get(event.status, 0) + 1
        self.book(event)
