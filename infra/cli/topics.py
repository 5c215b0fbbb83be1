"""`sluice topics`: create the declared topics, or compare them with a broker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from infra.cli.output.counting import counted
from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.screen import notes, print_json, say
from infra.settings import InfraSettings

if TYPE_CHECKING:
    from schemas.topic_declarations import Topic


@click.group("topics")
def command() -> None:
    """Create the topics that Sluice needs, or check existing ones.

    Tiers come from SLUICE_TIERS, partitions from SLUICE_REQUEST_PARTITIONS and
    SLUICE_PIPELINE_PARTITIONS, replicas from SLUICE_REPLICATION.
    """


def _declared(settings: InfraSettings) -> tuple[Topic, ...]:
    from schemas.topic_declarations import declared_topics

    return declared_topics(
        settings.tier_names,
        request_topics=settings.request_topic_names,
        replay_days=settings.replay_days,
    )


@command.command("create")
@click.option("--acls", is_flag=True, help="Only print the ACLs of readers and writers.")
@click.option(
    "--reply", "replies", multiple=True, metavar="NAME", help="Create this reply topic instead."
)
@click.option("--json", "as_json", is_flag=True, help="Print the created topics as JSON.")
def create(*, acls: bool, replies: tuple[str, ...], as_json: bool) -> None:
    """Create missing topics; existing topics are unchanged.

    Workers reply only to existing topics that SLUICE_REPLY_TOPIC_PREFIXES allows; --reply creates
    one for a caller.
    """
    from core.kafka.preflight import check_connection
    from infra.devstack.addresses import kafka_address, kafka_connection
    from infra.devstack.preparation import create_topics, partitions_of
    from infra.topics_admin import TopicsAdmin, acl_lines
    from schemas.topic_declarations import reply_topic

    settings = InfraSettings()
    if acls:
        lines = acl_lines(_declared(settings))
        print_json(lines) if as_json else say("\n".join(lines))
        return
    asyncio.run(check_connection(kafka_connection(settings)))
    address = kafka_address(settings)
    if replies:
        _refuse_forbidden_topics(replies)
        wanted = [reply_topic(name) for name in replies]
        created = TopicsAdmin(address).create(wanted, partitions_of(settings))
    else:
        created = create_topics(settings, address, settings.tier_names)
    if as_json:
        print_json(created)
        return
    for name in created:
        say(name)
    notes.print(
        f"{counted(len(created), 'topic')} created" if created else "all topics exist already"
    )


def _refuse_forbidden_topics(names: tuple[str, ...]) -> None:
    """Reject a reply topic that no worker would write to."""
    from streams.flow.reply_topics import ReplyTopicPolicy
    from streams.worker.settings import WorkerSettings

    prefixes = WorkerSettings().reply_prefixes
    policy = ReplyTopicPolicy(prefixes=prefixes)
    wrong = [name for name in names if not policy.is_open(name)]
    if wrong:
        raise click.UsageError(
            f"workers cannot reply to {', '.join(wrong)}; a reply topic begins with "
            f"{' or '.join(prefixes)} (SLUICE_REPLY_TOPIC_PREFIXES), has at most 249 letters, "
            "digits and . _ -, and does not end with .dlq"
        )


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def check(*, as_json: bool) -> None:
    """List differences between the broker and the declarations; exits 1 if there are any."""
    from core.kafka.preflight import check_connection
    from infra.devstack.addresses import kafka_address, kafka_connection
    from infra.topics_admin import TopicsAdmin

    settings = InfraSettings()
    asyncio.run(check_connection(kafka_connection(settings)))
    declared = _declared(settings)
    differences = TopicsAdmin(kafka_address(settings)).differences(declared)
    if as_json:
        print_json(differences)
    else:
        for line in differences:
            say(line)
    if differences:
        raise FoundProblemsError(f"{len(differences)} differences")
    notes.print(f"all {len(declared)} topics match their declaration")
