"""Access to the local ClickHouse: one user with a password, and no web page.

Any page in a browser can send requests to loopback. So the server accepts only requests that name a
user in a header, which a browser sends to another origin only after a preflight, and preflights are
refused. The user has no rights on URLs and other servers, writes no files, and reads files only
because the sink's `input()` needs that right.

The embedded engine logs in as `default`, from `::1`, without a password. Over HTTP `default` is
reachable with a header as well, so it only has the rights that serving needs.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

USER = "sluice"

_PASSWORD_FILE = "password"
_BYTES = 32

_RIGHTS = (
    "GRANT SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP, TRUNCATE, "
    "CREATE TEMPORARY TABLE, OPTIMIZE, SHOW, SYSTEM, KILL QUERY ON *.*",
    *(f"GRANT TABLE ENGINE ON {engine}" for engine in ("MergeTree", "Memory", "Null", "Merge")),
    # The sink inserts through `input()`, for which ClickHouse requires the right to read files.
    "GRANT READ ON FILE",
)

_USERS = """\
<clickhouse>
  <profiles>
    <default>
      {settings}
      <constraints><add_http_cors_header><readonly/></add_http_cors_header></constraints>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/>
      <networks><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT ON system.numbers</query>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
      </grants>
    </default>
    <{user}>
      <password_sha256_hex>{digest}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>{grants}</grants>
    </{user}>
    {more}
  </users>
</clickhouse>
"""

SERVER_XML = """\
  <user_files_path>{folder}/user_files/</user_files_path>
  <users_config>{folder}/users.xml</users_config>
  <http_options_response>
    <header><name>Allow</name><value>GET, POST</value></header>
  </http_options_response>
  <http_handlers>
    <rule>
      <url>/ping</url>
      <handler><type>ping</type></handler>
    </rule>
    <rule>
      <headers><Authorization>regex:Basic .+</Authorization></headers>
      <handler>
        <type>dynamic_query_handler</type><query_param_name>query</query_param_name>
      </handler>
    </rule>
    <rule>
      <headers><X-ClickHouse-User>regex:.+</X-ClickHouse-User></headers>
      <handler>
        <type>dynamic_query_handler</type><query_param_name>query</query_param_name>
      </handler>
    </rule>
  </http_handlers>
"""
"""Configuration of the server; `{folder}` is its own."""


def password_file(folder: Path) -> Path:
    """Return the file with the password; only its owner can read it."""
    return folder / _PASSWORD_FILE


def password_in(folder: Path) -> str:
    """Return the password of the server in a folder, generated at its first start."""
    file = password_file(folder)
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as written:
            written.write(secrets.token_urlsafe(_BYTES))
    return file.read_text()


def write_users(folder: Path, more: str = "", settings: str = "") -> None:
    """Write the file of users; `more` is XML of further ones, `settings` of all users' settings."""
    digest = hashlib.sha256(password_in(folder).encode()).hexdigest()
    grants = "".join(f"<query>{right}</query>" for right in _RIGHTS)
    text = _USERS.format(user=USER, digest=digest, grants=grants, more=more, settings=settings)
    (folder / "users.xml").write_text(text)
