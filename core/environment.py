"""Names of all `SLUICE_*` variables, suggestions for unknown ones, and lists as their values.

Processes ignore an unknown variable, so it is reported: otherwise a misspelt setting would silently
leave the default in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

PREFIX = "SLUICE_"

_NAMES = """
ALERTS_OVERDUE_S ALERT_IDLE_S ALERT_SESSION_S ALLOWED_HOSTS ALLOWED_KEYS ARTIFACTS CLASSIFY_SLOTS
CLICKHOUSE_CA_FILE CLICKHOUSE_CERT_FILE
CLICKHOUSE_CLUSTER CLICKHOUSE_DATABASE CLICKHOUSE_KEY_FILE CLICKHOUSE_PASSWORD
CLICKHOUSE_PASSWORD_FILE CLICKHOUSE_PORT CLICKHOUSE_URL CLICKHOUSE_USER CLUSTER
DEAD_LETTER_SHARE DEAD_LETTER_WINDOW DEBUG DRAIN_S GATEWAY_ALIASES GATEWAY_DRAIN_S GATEWAY_HOST
GATEWAY_MAX_BODY_BYTES GATEWAY_MAX_BUFFERED_BYTES GATEWAY_MAX_CONNECTIONS
GATEWAY_MAX_WAITING GATEWAY_OPEN GATEWAY_OPS_HOST GATEWAY_OPS_PORT GATEWAY_PARTITIONS GATEWAY_PORT
GROUP HOME JOURNAL_BEFORE_CALL
KAFKA_BOOTSTRAP_SERVERS KAFKA_CA_FILE KAFKA_CERT_FILE KAFKA_KEY_FILE KAFKA_OAUTH_CLIENT_ID
KAFKA_OAUTH_CLIENT_SECRET KAFKA_OAUTH_CLIENT_SECRET_FILE KAFKA_OAUTH_SCOPE
KAFKA_OAUTH_TOKEN_FILE KAFKA_OAUTH_TOKEN_URL KAFKA_PORT KAFKA_SASL_MECHANISM
KAFKA_SASL_PASSWORD KAFKA_SASL_PASSWORD_FILE KAFKA_SASL_USERNAME KAFKA_SECURITY_PROTOCOL
LOG_FORMAT LOG_LEVEL PIPELINE_PARTITIONS REGISTRY REGISTRY_KEY REGISTRY_KEY_FILE
REPLAY_DAYS REPLICATION REPLY_TOPIC_PREFIXES
REQUEST_PARTITIONS REQUEST_TOPICS ROW_DAYS SCHEMA_REGISTRY_URL SECRETS_DIR SESSION_TIMEOUT_S
SIMULATOR_ANSWERS SIMULATOR_LATENCY_MS SIMULATOR_PORT SINK_BATCH_BYTES SINK_BATCH_ROWS
SINK_BUFFER_BYTES SINK_FLUSH_MS SINK_GROUP SINK_HOST SINK_INSTANCE SINK_PORT SLOTS_PER_TIER
TEXT_DAYS TIERS TRACES_ENDPOINT TRACES_RATIO TRACES_TO_PROVIDERS WAIT_SLOTS WORKERS WORKER_HOST
WORKER_INSTANCE WORKER_PORT
"""

KNOWN = frozenset(PREFIX + name for name in _NAMES.split())

OF_OTHERS = frozenset(
    {f"{PREFIX}CLICKHOUSE_HOST", f"{PREFIX}GRAFANA_USER", f"{PREFIX}GRAFANA_PASSWORD"}
)
"""Variables that Grafana reads, from the data source that ships with Sluice."""

_OF_TESTS = f"{PREFIX}TEST_"
_ALIKE = 0.7


def listed(text: str) -> tuple[str, ...]:
    """Return the entries of a comma-separated setting."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def unknown_variables(
    environment: Mapping[str, str], known: Iterable[str] = KNOWN
) -> dict[str, str | None]:
    """Return the unknown `SLUICE_*` variables, each with the nearest known name, if any."""
    names = sorted(known)
    return {
        name: next(iter(get_close_matches(name, names, n=1, cutoff=_ALIKE)), None)
        for name in sorted(environment)
        if name.startswith(PREFIX)
        and name not in {*names, *OF_OTHERS}
        and not name.startswith(_OF_TESTS)
    }


def unknown_in_words(environment: Mapping[str, str]) -> list[str]:
    """Return a line for each unknown variable; values are never shown."""
    return [
        f"{name} is not a known setting"
        + (f"; did you mean {meant}?" if meant else "; see docs/settings.md")
        for name, meant in unknown_variables(environment).items()
    ]
