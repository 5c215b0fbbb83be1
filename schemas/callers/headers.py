"""Headers that callers set on requests: Sluice's own names, and those of Spring's
`ReplyingKafkaTemplate`. Correlation ids are echoed on replies.
"""

from __future__ import annotations

REPLY_TOPIC = "reply-topic"
CORRELATION_ID = "correlation-id"
SPRING_REPLY_TOPIC = "kafka_replyTopic"
SPRING_CORRELATION_ID = "kafka_correlationId"
