"""`sluice registry`: validate, publish, compare and roll back models and policy."""

from __future__ import annotations

import click

from infra.cli.registry.inspection import diff, schema, show
from infra.cli.registry.publishing import apply, rollback, validate
from infra.cli.registry.repairing import repair, sign


@click.group("registry")
def command() -> None:
    """Validate, publish, compare and roll back the registry: tiers, models, policy.

    Versions are on the topic llm.registry.v1 under the hash of their content. Workers switch to a
    new one between two requests, without a restart. A learned artifact of a file is searched in the
    package, in the files of --artifact, and on that topic.
    """


for _each in (validate, schema, apply, show, diff, rollback, repair, sign):
    command.add_command(_each)
