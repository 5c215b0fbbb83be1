"""Names of spans' attributes: OpenTelemetry's if it has one (GenAI, messaging), else `sluice.*`.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/, semantic conventions 1.37
and later.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
CHAT = "chat"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
MAX_TOKENS = "gen_ai.request.max_tokens"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"

SERVER = "server.address"
HTTP_STATUS = "http.response.status_code"
ERROR_TYPE = "error.type"

MESSAGING_SYSTEM = "messaging.system"
KAFKA = "kafka"
TOPIC = "messaging.destination.name"
PARTITION = "messaging.destination.partition.id"
OFFSET = "messaging.kafka.offset"

REQUEST_ID = "sluice.request.id"
TENANT = "sluice.tenant"
FEATURE = "sluice.feature"
STATUS = "sluice.status"
TIER = "sluice.tier"
TIERS_TRIED = "sluice.tiers_tried"
HOP = "sluice.hop"
VISIT = "sluice.visit"
CLASSIFIER = "sluice.classifier"
SCORE = "sluice.score"
REGISTRY_VERSION = "sluice.registry.version"
CONFIDENCE = "sluice.confidence"
COST_NANO = "sluice.cost_nano_usd"
CALL_ID = "sluice.call.id"
INSTANCE = "sluice.instance"
PURPOSE = "sluice.call.purpose"
