"""Creates the declared topics on a broker, and compares a broker with them."""

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
from schemas.topic_declarations import PartitioningClass, Topic

_TIMEOUT_S = 30.0
_REACH_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """Partition counts by partitioning class, and the number of replicas."""

    requests: int = 4
    pipeline: int = 4
    replication: int = 1

    def of(self, topic: Topic) -> int:
        """Return the partition count of a topic."""
        if topic.width is PartitioningClass.SINGLE:
            return 1
        return self.requests if topic.width is PartitioningClass.REQUESTS else self.pipeline


class TopicsAdmin:
    """The broker's topics; `access` comes from the environment unless given."""

    def __init__(self, bootstrap_servers: str, access: KafkaAccess | None = None) -> None:
        settings = (access or KafkaAccess()).librdkafka_at(bootstrap_servers)
        self._address = bootstrap_servers
        self._client = AdminClient({**settings, "log_level": 0})

    def create(self, topics: Sequence[Topic], partitions: Partitions) -> list[str]:
        """Create missing topics; return the created names.

        Raises:
            TopicError: the broker rejected one, or does not respond.
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
                raise TopicError(f"cannot create {name}: {error.args[0].str()}") from error
            created.append(name)
        return created

    def differences(self, topics: Sequence[Topic]) -> list[str]:
        """Return the differences between broker and declarations in words; empty without any.

        Raises:
            TopicError: the broker does not respond.
        """
        found = self._present()
        missing = [topic.name for topic in topics if topic.name not in found]
        differences = [f"{name} is missing; create it: sluice topics create" for name in missing]
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
            f"{topic.name} has {len(found[topic.name].partitions)} partitions, expected 1"
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
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in by_name]
        differences: list[str] = []
        for resource, future in self._client.describe_configs(resources).items():
            actual = future.result(timeout=_TIMEOUT_S)
            differences.extend(
                f"{resource.name}: {key} is {actual[key].value}, expected {value}"
                for key, value in by_name[resource.name].config.items()
                if key in actual and actual[key].value != value
            )
        return differences


def acl_lines(topics: Sequence[Topic]) -> list[str]:
    """Return the ACLs as arguments of kafka-acls.sh, one line per topic and role."""
    lines: list[str] = []
    for topic in topics:
        for role, operation in ((topic.writers, "Write"), (topic.readers, "Read")):
            lines.extend(
                f"--add --allow-principal User:{name.strip()} --operation {operation} "
                f"--topic {topic.name}"
                for name in role.split(",")
            )
    return lines
