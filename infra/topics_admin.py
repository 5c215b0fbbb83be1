"""Creates the declared topics on a broker, and says where a broker differs from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    TopicMetadata,
)

from core.kafka.access import KafkaAccess
from core.kafka.preflight import kafka_problem
from schemas.errors import TopicError
from schemas.topics import PartitioningClass, Topic

_TIMEOUT_S = 30.0
_REACH_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """How many partitions topics get, by width, and how many copies."""

    requests: int = 4
    pipeline: int = 4
    replication: int = 1

    def of(self, topic: Topic) -> int:
        """The partition count of a topic."""
        if topic.width is PartitioningClass.SINGLE:
            return 1
        return self.requests if topic.width is PartitioningClass.REQUESTS else self.pipeline


class TopicsAdmin:
    """The broker's topics; `access` is as the environment says unless given."""

    def __init__(self, bootstrap_servers: str, access: KafkaAccess | None = None) -> None:
        settings = (access or KafkaAccess()).librdkafka_at(bootstrap_servers)
        self._address = bootstrap_servers
        self._client = AdminClient({**settings, "log_level": 0})

    def create(self, topics: Sequence[Topic], partitions: Partitions) -> list[str]:
        """Create what is missing; the names that were created.

        Raises:
            TopicError: the broker refused one, or does not answer.
        """
        self._present()
        wanted = [
            NewTopic(
                topic.name,
                num_partitions=partitions.of(topic),
                replication_factor=partitions.replication,
                config=topic.config,
            )
            for topic in topics
        ]
        created = []
        for name, future in self._client.create_topics(wanted).items():
            try:
                future.result(timeout=_TIMEOUT_S)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                    continue
                raise TopicError(f"{name} could not be created: {error.args[0].str()}") from error
            created.append(name)
        return created

    def differences(self, topics: Sequence[Topic]) -> list[str]:
        """Where the broker differs from the declarations, in words; empty when it agrees.

        Raises:
            TopicError: the broker does not answer.
        """
        found = self._present()
        missing = [topic.name for topic in topics if topic.name not in found]
        differences = [f"{name} is missing; sluice topics create" for name in missing]
        present = [topic for topic in topics if topic.name in found]
        widths = {
            len(found[topic.name].partitions)
            for topic in present
            if topic.width is PartitioningClass.PIPELINE
        }
        if len(widths) > 1:
            differences.append(
                f"tier, wait and event topics must share one partition count, not {sorted(widths)}"
            )
        differences.extend(
            f"{topic.name} has {len(found[topic.name].partitions)} partitions, it must have 1"
            for topic in present
            if topic.width is PartitioningClass.SINGLE and len(found[topic.name].partitions) != 1
        )
        return differences + self._config_differences(present)

    def _present(self) -> Mapping[str, TopicMetadata]:
        try:
            return dict(self._client.list_topics(timeout=_REACH_S).topics)
        except KafkaException as error:
            raise TopicError(kafka_problem(error, self._address)) from error

    def _config_differences(self, topics: Sequence[Topic]) -> list[str]:
        by_name = {topic.name: topic for topic in topics}
        asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in by_name]
        differences: list[str] = []
        for resource, future in self._client.describe_configs(asked).items():
            actual = future.result(timeout=_TIMEOUT_S)
            differences.extend(
                f"{resource.name}: {key} is {actual[key].value}, declared is {value}"
                for key, value in by_name[resource.name].config.items()
                if key in actual and actual[key].value != value
            )
        return differences


def acl_lines(topics: Sequence[Topic]) -> list[str]:
    """Who may write and read what, as arguments of kafka-acls.sh, one line a topic and role."""
    lines: list[str] = []
    for topic in topics:
        for role, operation in ((topic.writers, "Write"), (topic.readers, "Read")):
            lines.extend(
                f"--add --allow-principal User:{name.strip()} --operation {operation} "
                f"--topic {topic.name}"
                for name in role.split(",")
            )
    return lines
