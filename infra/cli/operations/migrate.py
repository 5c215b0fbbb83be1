"""`sluice migrate`: create or update the ClickHouse tables."""

from __future__ import annotations

import click

from infra.cli.output.screen import notes, print_json, say
from infra.settings import InfraSettings


@click.command("migrate")
@click.option(
    "--roles",
    is_flag=True,
    help="Also create the roles sluice_reader (all figures, no text) and sluice_analyst.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the applied migrations as JSON.")
def command(*, roles: bool, as_json: bool) -> None:
    """Create or update the tables and views; applied migrations are skipped.

    Also sets the retention of texts and rows (SLUICE_TEXT_DAYS, SLUICE_ROW_DAYS). The database is
    SLUICE_CLICKHOUSE_DATABASE at SLUICE_CLICKHOUSE_URL, else in the running local pipeline. On a
    cluster, set SLUICE_CLICKHOUSE_CLUSTER.
    """
    from infra.devstack.addresses import clickhouse_address
    from infra.devstack.preparation import grant_roles, migrate_tables

    address = clickhouse_address(InfraSettings())
    applied = migrate_tables(address)
    if as_json:
        print_json([{"number": each.number, "name": each.name} for each in applied])
    else:
        for each in applied:
            say(f"{each.number:03} {each.name}")
        summary = f"{len(applied)} migrations applied"
        notes.print(summary if applied else "all migrations are already applied")
    if roles:
        notes.print(f"roles: {', '.join(grant_roles(address))}")
