"""The `llm` classifier's call: remembered for equal questions, left out while its model fails.

Whatever goes wrong (time-out, error, nonsense), routing goes on by the rules; what was heard, or
why nothing was, stands in the decision's inputs.
"""

from __future__ import annotations

from schemas.alert_names import AlertName
from schemas.records import CLASSIFY
from streams.agents.calls.internal_calls import CallResult, ask_model
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.redaction.redactor import redact
from streams.routing.features.request_features import Features, text_of
from streams.routing.llm.classification import (
    LlmClassification,
    opinion_body,
    question_key,
    read_opinion,
)
from streams.routing.snapshot import Privacy

PAUSED = "paused"


async def opinion_on(seen: Features, hop: HopState, deps: Dependencies) -> LlmClassification:
    """What the policy's model says of a request, or why it says nothing."""
    asked = hop.snapshot.policy.llm
    if asked is None:
        return LlmClassification(failed="nobody to ask")
    key = question_key(seen, hop.snapshot)
    known = deps.classification_cache.recall(key)
    if known is not None:
        return known
    if deps.classification_cache.paused(deps.kafka.clock.now()):
        return LlmClassification(failed=PAUSED)
    body = opinion_body(seen, hop.snapshot, hop.snapshot.models[asked.model])
    errand = CallSpec(body=body, purpose=CLASSIFY, limit_ms=asked.timeout_ms)
    opinion = _read(await ask_model(hop, asked.model, errand, deps), hop)
    deps.classification_cache.keep(key, opinion, deps.kafka.clock.now())
    if deps.classification_cache.paused(deps.kafka.clock.now()):
        await deps.observers.alerts.fire(
            AlertName.CLASSIFIER_SILENT,
            asked.model,
            f"the llm classifier's model failed again and again ({opinion.failed}); the rules "
            "decide meanwhile. See policy.llm in the registry.",
        )
    return opinion


def _read(heard: CallResult, hop: HopState) -> LlmClassification:
    call_id = heard.attempt.call_id if heard.attempt else None
    if heard.completion is None:
        return LlmClassification(failed=heard.failed, call_id=call_id)
    said = read_opinion(text_of(heard.completion.message.get("content")), hop.snapshot)
    return LlmClassification(
        tier=said.tier,
        score=said.score,
        reason=_kept(said.reason, hop.snapshot.privacy),
        failed=said.failed,
        call_id=call_id,
    )


def _kept(reason: str, privacy: Privacy) -> str:
    """The model's words as far as they may be recorded: they can repeat the prompt."""
    return redact(reason, privacy.redact) if privacy.store_prompts else ""
