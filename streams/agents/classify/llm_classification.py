"""The call of the `llm` classifier: cached for equal questions, skipped while its model fails.

On any failure (time-out, error, nonsense) the rules decide. The result, or the failure, is part of
the decision's inputs.
"""

from __future__ import annotations

from schemas.alert_names import AlertName
from schemas.records import CLASSIFY
from streams.agents.calls.internal_calls import CallResult, call_model
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop import Hop
from streams.agents.context.hop_progress import HopProgress
from streams.redaction.redactor import redact
from streams.routing.features.request_features import Features, estimate_tokens, text_of
from streams.routing.llm.classification import (
    LlmClassification,
    opinion_body,
    question_key,
    read_opinion,
)
from streams.routing.snapshot import Privacy

PAUSED = "paused"


async def opinion_on(
    seen: Features, progress: HopProgress, deps: Dependencies
) -> LlmClassification:
    """Return the classification by the policy's model, or why there is none."""
    hop = progress.hop
    policy = hop.snapshot.policy.llm
    if policy is None:
        return LlmClassification(failed="not configured")
    key = question_key(seen, hop.snapshot)
    known = deps.classification_cache.recall(key)
    if known is not None:
        return known
    if deps.classification_cache.paused(deps.kafka.clock.now()):
        return LlmClassification(failed=PAUSED)
    body = opinion_body(seen, hop.snapshot, hop.snapshot.models[policy.model])
    spec = CallSpec(
        body=body,
        context_tokens=estimate_tokens(body),
        purpose=CLASSIFY,
        limit_ms=policy.timeout_ms,
    )
    opinion = _read(await call_model(progress, spec, deps, model=policy.model), hop)
    deps.classification_cache.keep(key, opinion, deps.kafka.clock.now())
    if deps.classification_cache.paused(deps.kafka.clock.now()):
        await deps.observers.alerts.fire(
            AlertName.CLASSIFIER_SILENT,
            policy.model,
            f"the llm classifier's model fails repeatedly ({opinion.failed}); the rules "
            "decide meanwhile. Check policy.llm in the registry.",
        )
    return opinion


def _read(result: CallResult, hop: Hop) -> LlmClassification:
    call_id = result.attempt.call_id if result.attempt else None
    if result.completion is None:
        return LlmClassification(failed=result.failed, call_id=call_id)
    opinion = read_opinion(text_of(result.completion.message.get("content")), hop.snapshot)
    return LlmClassification(
        tier=opinion.tier,
        score=opinion.score,
        reason=_kept(opinion.reason, hop.snapshot.privacy),
        failed=opinion.failed,
        call_id=call_id,
    )


def _kept(reason: str, privacy: Privacy) -> str:
    """Return the model's reason as far as it may be stored: it can repeat the prompt."""
    return redact(reason, privacy.redact) if privacy.store_prompts else ""
