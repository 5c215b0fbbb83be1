"""Names of the topics, and the sizes of their values."""

from __future__ import annotations

import re

from schemas.errors import ConfigurationError

REQUESTS = "llm.requests.v1"
REPLIES = "llm.replies.v1"
GATEWAY_REQUESTS = "llm.requests.gateway.v1"
GATEWAY_REPLIES = "llm.replies.gateway.v1"
COST = "llm.events.cost.v1"
QUALITY = "llm.events.quality.v1"
OUTCOMES = "llm.events.outcomes.v1"
FEEDBACK = "llm.feedback.v1"
REGISTRY = "llm.registry.v1"
BUDGETS = "llm.budgets.v1"
ALERTS = "llm.alerts.v1"
WORKERS = "llm.workers.v1"
REPLAY_DECISIONS = "llm.replay.decisions.v1"

EVENT_TOPICS = (COST, QUALITY, OUTCOMES)
WAIT_DELAYS_S = (1, 10, 60)
DEAD_LETTER_SUFFIX = ".dlq"
DEFAULT_TIERS = ("simple", "moderate", "complex")

MIB = 1024 * 1024

MAX_REQUEST_BYTES = 4 * MIB
"""Largest accepted request value. The topic itself takes 8 MiB, so that a larger request can arrive
and be answered with `too_large`.
"""

MAX_ANSWER_BYTES = 2 * MIB
"""Largest answer value."""

RECORD_OVERHEAD_BYTES = 4096
"""Growth of a record on the wire besides key, value and headers."""


TIER_TOPIC_PATTERN = r"llm\.tier\.(?P<tier>[a-z0-9][a-z0-9_-]{0,200})(\.high)?\.v1"
"""Pattern of a tier's topic name."""

_TIER_TOPIC = re.compile(TIER_TOPIC_PATTERN)


def tenants_by_name(listed: str) -> dict[str, str | None]:
    """Parse a list such as `a=tenant,b`: names of topics or prefixes, with the tenant of each.

    Raises:
        ConfigurationError: an entry has more than one equals sign.
    """
    if any(entry.count("=") > 1 for entry in listed.split(",")):
        raise ConfigurationError("a list such as a=tenant,b has an entry with more than one =")
    entries = (entry.partition("=") for entry in listed.split(","))
    return {name.strip(): tenant.strip() or None for name, _, tenant in entries if name.strip()}


def request_topics(listed: str) -> dict[str, str | None]:
    """Return the request topics of a pipeline with the tenant that each is bound to: those of a
    list such as `a=tenant,b`, and the gateway's. Raises as `tenants_by_name`.
    """
    return {**tenants_by_name(listed), GATEWAY_REQUESTS: None}


def tier_topic(tier: str, *, high: bool = False) -> str:
    """Return the name of a tier's topic; `high` is the priority topic."""
    return f"llm.tier.{tier}.high.v1" if high else f"llm.tier.{tier}.v1"


def is_tier_topic(name: str) -> bool:
    """Return whether this is the name of a tier's topic."""
    return _TIER_TOPIC.fullmatch(name) is not None


def tier_of_topic(name: str) -> str | None:
    """Return the tier of a tier topic or priority topic; `None` for other topics."""
    found = _TIER_TOPIC.fullmatch(name)
    return None if found is None else found["tier"]


def wait_topic(delay_s: int) -> str:
    """Return the name of the wait topic with this delay, one of `WAIT_DELAYS_S`."""
    if delay_s not in WAIT_DELAYS_S:
        raise ValueError(f"no wait topic of {delay_s} s; expected one of {WAIT_DELAYS_S}")
    return f"llm.wait.{delay_s}s.v1"


def dead_letter_topic(topic: str) -> str:
    """Return the name of the dead-letter topic of a topic."""
    return topic + DEAD_LETTER_SUFFIX
