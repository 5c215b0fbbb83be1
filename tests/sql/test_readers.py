"""Permissions of the roles, on a server with users: figures and queries, but no text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from infra.devstack.clickhouse import LocalClickHouse
from infra.devstack.preparation import grant_roles
from infra.devstack.processes.probes import without_secrets
from sinks.analytics.named_queries import questions
from sinks.analytics.query_runner import TimeRange, asker
from sinks.clickhouse.connection import connect
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.roles import ANALYST, READER, WITHHELD, columns_of, create_roles, rights
from sinks.errors import ClickHouseRefusedError, NoRolesError
from sinks.settings import SinkSettings

SECRET = "what nobody but an analyst may read"
NEEDS_TEXT = {"labels"}
_USER = """
<{name}>
  <no_password/><networks><ip>::/0</ip></networks><profile>default</profile>
  <quota>default</quota><grants>{grants}</grants>
</{name}>
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SinkSettings]:
    """A ClickHouse whose users `sluice_reader` and `sluice_analyst` have the rights of the roles.

    Users can't be created by SQL there, so the rights are in its file of users.
    """
    folder = tmp_path_factory.mktemp("readers")
    node = LocalClickHouse.in_folder(folder)
    settings = SinkSettings(clickhouse_url=node.url)
    process = node.start()
    try:
        client = connect(settings)
        migrate(client, settings)
        _fill(client)
        columns = columns_of(client, settings)
        client.close()
        process.kill()
        roles = _users({role: rights(role, columns) for role in (READER, ANALYST)})
        process = replace(node, more_users=roles).start()
        yield settings
    finally:
        process.kill()


def _users(roles: dict[str, list[str]]) -> str:
    return "".join(
        _USER.format(
            name=role,
            grants="".join(
                f"<query>GRANT {right.replace('${DATABASE}', 'sluice')}</query>"
                for right in granted
            ),
        )
        for role, granted in roles.items()
    )


def _fill(client: Client) -> None:
    for table, columns in WITHHELD.items():
        values = [{"secret": SECRET} if name == "headers" else SECRET for name in columns]
        client.insert(table, [values], database="sluice", column_names=list(columns))


def _as(settings: SinkSettings, role: str) -> Client:
    port = int(settings.clickhouse_url.rsplit(":", 1)[1])
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=port, username=role, password="", database="sluice"
    )


@pytest.mark.parametrize("table", sorted(WITHHELD))
def test_a_reader_sees_no_text_and_an_analyst_does(served: SinkSettings, table: str) -> None:
    reader, analyst = _as(served, READER), _as(served, ANALYST)
    for column in WITHHELD[table]:
        ask_for = f"SELECT toString({column}) FROM {table}"
        assert SECRET in analyst.query(ask_for).first_row[0]
        with pytest.raises(DatabaseError, match="Not enough privileges"):
            reader.query(ask_for)
    with pytest.raises(DatabaseError, match="Not enough privileges"):
        reader.query(f"SELECT * FROM {table}")
    assert reader.query(f"SELECT count() FROM {table}").first_row[0] == 1


@pytest.mark.parametrize("role", [READER, ANALYST])
def test_no_role_can_write(served: SinkSettings, role: str) -> None:
    client = _as(served, role)
    for statement in ("INSERT INTO calls (tenant) VALUES ('x')", "DROP TABLE calls"):
        with pytest.raises(DatabaseError, match="Not enough privileges"):
            client.command(statement)


@pytest.mark.parametrize("role", [READER, ANALYST])
def test_every_question_is_answered_but_those_that_need_a_text(
    served: SinkSettings, role: str
) -> None:
    until = datetime.now(UTC)
    range_ = TimeRange(since=until - timedelta(days=1), until=until)
    plain = without_secrets(served.clickhouse_url)
    as_role = served.model_copy(update={"clickhouse_user": role, "clickhouse_url": plain})
    with asker(as_role) as asking:
        for name, question in questions().items():
            given = {each.name: "x" for each in question.parameters if each.default is None}
            if role == READER and name in NEEDS_TEXT:
                with pytest.raises(ClickHouseRefusedError, match="Not enough privileges"):
                    asking.ask(question, range_=range_, parameters=given)
            else:
                asking.ask(question, range_=range_, parameters=given)


class _Recorded:
    """A ClickHouse that accepts every statement, and has these columns: table, name, type."""

    def __init__(self, *columns: tuple[str, str, str]) -> None:
        self.statements: list[str] = []
        self.columns = list(columns)
        self.directories = [("users_xml",), ("local_directory",)]
        self.result_rows: list[tuple[object, ...]] = []

    def command(self, cmd: str, parameters: object = None) -> None:
        self.statements.append(" ".join(cmd.split()))

    def query(self, query: str) -> _Recorded:
        is_directories = "user_directories" in query
        self.result_rows = [*(self.directories if is_directories else self.columns)]
        return self


def test_the_local_server_reports_that_it_stores_no_roles(served: SinkSettings) -> None:
    with pytest.raises(NoRolesError, match="SLUICE_CLICKHOUSE_URL"):
        grant_roles(served.clickhouse_url)


def test_a_server_with_users_in_a_file_only_is_reported_before_any_creation() -> None:
    client = _Recorded(("calls", "cost", "Int64"))
    client.directories = [("users_xml",)]

    with pytest.raises(NoRolesError):
        create_roles(client, SinkSettings(clickhouse_database="d"))
    assert client.statements == []


def test_both_roles_are_created_and_earlier_grants_are_revoked() -> None:
    client = _Recorded(
        ("calls", "cost", "Nullable(Int64)"),
        ("outcomes", "cost", "Nullable(Int64)"),
        ("outcomes", "prompt", "String"),
        ("outcomes", "reasons", "Array(String)"),
        ("sink_epochs", "epoch", "UInt64"),
    )
    create_roles(client, SinkSettings(clickhouse_database="d"))
    assert client.statements == [
        "CREATE ROLE IF NOT EXISTS sluice_reader",
        "REVOKE ALL ON d.* FROM sluice_reader",
        "GRANT SELECT ON d.calls TO sluice_reader",
        "GRANT SELECT(cost, `cost.null`, reasons, `reasons.size0`) ON d.outcomes TO sluice_reader",
        "CREATE ROLE IF NOT EXISTS sluice_analyst",
        "REVOKE ALL ON d.* FROM sluice_analyst",
        "GRANT SELECT ON d.calls TO sluice_analyst",
        "GRANT SELECT ON d.outcomes TO sluice_analyst",
    ]
