"""A web page can't use the local ClickHouse; the database user can't reach other hosts.

A page of another origin sends GET and POST without further headers freely ("simple" requests, Fetch
standard), and any header only after a preflight that allows its origin.
"""

from __future__ import annotations

import os
import stat
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from infra.devstack.clickhouse_access import password_file, password_in
from infra.devstack.processes.probes import without_secrets
from tests.fixtures.services import run_sql

pytestmark = pytest.mark.skipif(
    "SLUICE_TEST_CLICKHOUSE" in os.environ or "SLUICE_TEST_CONTAINERS" in os.environ,
    reason="about the server that `sluice up` starts, not about another one",
)

ORIGIN = {"Origin": "http://page.example"}


def _send(url: str, method: str, body: bytes | None = None, **headers: str) -> tuple[int, str, str]:
    """Status, body, and the origin that may read it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, {**ORIGIN, **named}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status, headers, text = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, headers, text = error.code, error.headers, error.read()
    return status, text.decode(), headers.get("Access-Control-Allow-Origin", "")


@pytest.fixture
def page(clickhouse: str) -> str:
    """The address, as a page has it."""
    return without_secrets(clickhouse)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "query",
    [
        "query=SELECT%201",
        "query=SELECT%201&user=default",
        "query=SELECT%201&user=sluice&password=guess",
        "query=SELECT%201&add_http_cors_header=1",
        "query=SYSTEM%20STOP%20LISTEN%20HTTP",
        "query=" + quote("SELECT * FROM file('/etc/passwd', 'LineAsString')"),
    ],
)
def test_a_simple_request_of_a_page_reaches_no_query(page: str, method: str, query: str) -> None:
    status, text, readable_by = _send(f"{page}/?{query}", method, b"" if method == "POST" else None)
    assert (status, readable_by) == (404, "")
    assert "root:" not in text


def test_a_statement_in_a_posted_form_reaches_no_query(page: str) -> None:
    for body in (b"SELECT 1", b"query=SELECT+1"):
        status, _, readable_by = _send(page, "POST", body)
        assert (status, readable_by) == (404, "")


def test_a_preflight_is_refused(page: str) -> None:
    wanted = {"Access_Control_Request_Method": "POST",
              "Access_Control_Request_Headers": "x-clickhouse-user"}  # fmt: skip
    status, _, readable_by = _send(page, "OPTIONS", **wanted)
    assert (status, readable_by) == (501, "")


def test_without_the_password_the_headers_open_nothing(page: str) -> None:
    for user, key in (("sluice", ""), ("sluice", "guess"), ("nobody", "")):
        status, text, _ = _send(
            page, "POST", b"SELECT 1", X_ClickHouse_User=user, X_ClickHouse_Key=key
        )
        assert status == 403
        assert "Authentication failed" in text
    tables = b"SELECT name FROM system.databases"
    _, text, _ = _send(page, "POST", tables, X_ClickHouse_User="default")
    assert "default" not in text.splitlines()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'system.one')",
        "INSERT INTO FUNCTION file('x.csv', 'CSV', 'a String') VALUES ('a')",
        "CREATE TABLE {database}.f (a String) ENGINE = File('CSV', '/etc/passwd')",
        "CREATE TABLE {database}.f (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
        "SELECT * FROM executable('id', 'LineAsString', 'x String')",
        "BACKUP DATABASE {database} TO File('/tmp/backup')",
    ],
)
def test_our_user_reaches_no_other_host_and_writes_no_file(
    clickhouse: str, database: str, statement: str
) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        run_sql(clickhouse, statement.format(database=database))


def test_the_password_is_drawn_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = password_in(tmp_path)
    assert first == password_in(tmp_path)
    assert len(first) >= 32
    assert stat.S_IMODE(password_file(tmp_path).stat().st_mode) == 0o600
    assert first != password_in(tmp_path / "other")


def test_a_password_needs_no_quoting_in_a_url(tmp_path: Path) -> None:
    assert urlsplit(f"http://u:{password_in(tmp_path)}@h").password == password_in(tmp_path)
