"""Asks one question over the topics with aiokafka, and prints the answer and what it cost.

    SLUICE_KAFKA_BOOTSTRAP_SERVERS=localhost:9092 python ask_with_aiokafka.py "What is Kafka?"

What matters: listen before you ask, know your reply by the correlation id, and take a second reply
to one request for the repetition that it is (replies come at least once).
"""

import asyncio
import json
import os
import sys
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

KAFKA = os.environ.get("SLUICE_KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
PATIENCE_S = 120


async def ask(question: str) -> dict[str, object]:
    """The reply to a question."""
    consumer = AIOKafkaConsumer(
        "llm.replies.v1", bootstrap_servers=KAFKA, auto_offset_reset="latest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=KAFKA, enable_idempotence=True)
    await consumer.start()
    await producer.start()
    try:
        await consumer.seek_to_end()
        for place in consumer.assignment():
            await consumer.position(place)
        mine = uuid.uuid4().hex.encode()
        await producer.send_and_wait(
            "llm.requests.v1",
            json.dumps({"prompt": question, "feature": "example"}).encode(),
            headers=[("correlation-id", mine)],
        )
        async with asyncio.timeout(PATIENCE_S):
            async for record in consumer:
                if ("correlation-id", mine) in record.headers:
                    return json.loads(record.value)
    finally:
        await producer.stop()
        await consumer.stop()
    raise ConnectionError("the reply topic ended")


if __name__ == "__main__":
    reply = asyncio.run(ask(sys.argv[1]))
    if reply["status"] != "replied":
        sys.exit(f"{reply['error']['code']}: {reply['error']['message']}")
    print(reply["message"]["content"])
    print(f"{reply['model']} on tier {reply['tier']}, {reply['cost_usd']} USD")
