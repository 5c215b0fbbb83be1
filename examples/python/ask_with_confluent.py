"""Asks many questions over the topics with confluent-kafka, and prints each reply as it comes.

    SLUICE_KAFKA_BOOTSTRAP_SERVERS=localhost:9092 python ask_with_confluent.py < questions.txt

Without asyncio: one thread that publishes, then reads until every question has its first reply.
"""

import json
import os
import sys
import time
import uuid

from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

KAFKA = os.environ.get("SLUICE_KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
REPLIES = "llm.replies.v1"
PATIENCE_S = 120


def listening() -> Consumer:
    """A consumer at the end of the reply topic: what is answered from now on."""
    consumer = Consumer(
        {"bootstrap.servers": KAFKA, "group.id": uuid.uuid4().hex, "enable.auto.commit": False}
    )
    partitions = consumer.list_topics(REPLIES, timeout=10).topics[REPLIES].partitions
    ends = []
    for number in partitions:
        place = TopicPartition(REPLIES, number)
        _, place.offset = consumer.get_watermark_offsets(place, timeout=10)
        ends.append(place if place.offset >= 0 else TopicPartition(REPLIES, number, OFFSET_END))
    consumer.assign(ends)
    return consumer


def ask_all(questions: list[str]) -> None:
    """Publish every question, print every reply."""
    consumer = listening()
    producer = Producer({"bootstrap.servers": KAFKA, "enable.idempotence": True})
    waiting = {uuid.uuid4().hex.encode(): question for question in questions}
    for mine, question in waiting.items():
        producer.produce(
            "llm.requests.v1",
            json.dumps({"prompt": question, "feature": "example"}),
            headers=[("correlation-id", mine)],
        )
    producer.flush()
    until = time.monotonic() + PATIENCE_S
    while waiting and time.monotonic() < until:
        record = consumer.poll(1.0)
        if record is None or record.error():
            continue
        question = waiting.pop(dict(record.headers() or ()).get("correlation-id"), None)
        if question is not None:
            reply = json.loads(record.value())
            print(f"{question} -> {reply['status']} by {reply['model']}, {reply['cost_usd']} USD")
    consumer.close()
    if waiting:
        sys.exit(f"{len(waiting)} questions have no reply")


if __name__ == "__main__":
    ask_all([line.strip() for line in sys.stdin if line.strip()])
