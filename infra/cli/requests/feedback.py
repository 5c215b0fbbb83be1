"""`sluice feedback`: rate the answer to a request."""

from __future__ import annotations

import asyncio

import click

from infra.cli.arguments.values import Number, Text
from infra.cli.output.screen import notes
from infra.settings import InfraSettings
from schemas.identity import NAME, REQUEST_ID


@click.command("feedback")
@click.argument("request_id")
@click.option("--score", type=Number(0, 1), help="Quality of the answer, 0 to 1.")
@click.option("--label", type=Text(), help="A label, such as `wrong`.")
@click.option("--comment", type=Text(), help="Free text; stored only if the registry allows it.")
@click.option(
    "--tenant",
    type=Text(),
    help="The reply's `tenant`. Required if several tenants send requests.",
)
def command(
    request_id: str,
    *,
    score: float | None,
    label: str | None,
    comment: str | None,
    tenant: str | None,
) -> None:
    """Publish feedback on the answer to REQUEST_ID.

    A worker makes it a quality signal of that answer afterwards. The command does not check that
    the request exists. `sluice explain` shows the signal; training and calibration use it. A higher
    score is better.
    """
    from infra.devstack.addresses import kafka_address
    from streams.client.feedback import FeedbackMessage, publish_feedback

    if score is None and label is None and comment is None:
        raise click.UsageError("give at least one of --score, --label and --comment")
    if not REQUEST_ID.fullmatch(request_id):
        raise click.UsageError("REQUEST_ID: up to 128 letters, digits and . _ : -")
    if tenant is not None and not NAME.fullmatch(tenant):
        raise click.UsageError("--tenant: up to 64 letters, digits and . _ : -")
    message = FeedbackMessage(
        tenant=tenant, request_id=request_id, score=score, label=label, comment=comment
    )
    asyncio.run(publish_feedback(kafka_address(InfraSettings()), [message]))
    notes.print(
        "published; a worker matches it to the request within seconds. This command does not check "
        f"the id: sluice explain {request_id} shows the feedback if the request exists"
    )
