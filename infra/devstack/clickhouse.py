"""A local ClickHouse server from the chdb wheel, with its HTTP interface."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from infra.devstack.clickhouse_access import SERVER_XML, USER, password_in, write_users
from infra.devstack.processes.ports import LOOPBACK, is_free, kept_port
from infra.devstack.processes.probes import http_answers
from infra.devstack.processes.process import Process, start_process
from schemas.errors import LocalStackError

READY_TIMEOUT_S = 30.0
USUAL_PORT = 8123

_CONFIG = """\
<clickhouse>
  <http_port>{port}</http_port>
  <listen_host>127.0.0.1</listen_host>
  <logger><level>warning</level><console>1</console></logger>
  <mark_cache_size>67108864</mark_cache_size>
  <max_server_memory_usage>3000000000</max_server_memory_usage>
{access}</clickhouse>
"""


def clickhouse_folder(home: Path) -> Path:
    """Return the ClickHouse folder of the pipeline in `home`."""
    return home / "clickhouse"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalClickHouse:
    """A ClickHouse server: its folder and port. Data survives `kill -9` and restarts.

    `more_users` is XML of additional users, `query_settings` are settings of all users' queries.
    """

    folder: Path
    port: int
    more_users: str = ""
    query_settings: str = ""

    @classmethod
    def in_folder(cls, folder: Path, port: int | None = 0) -> LocalClickHouse:
        """Return a server with its data in a folder; for the port see `kept_port`."""
        kept = kept_port(folder, "clickhouse", port, usual=USUAL_PORT)
        return cls(folder=folder.absolute(), port=kept)

    @property
    def address(self) -> str:
        """Return the base URL of the HTTP interface without the password."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """Return the base URL with user and password."""
        return f"http://{USER}:{password_in(self.folder)}@{LOOPBACK}:{self.port}"

    @property
    def health(self) -> str:
        """Return the URL that answers 200 when it serves."""
        return f"{self.address}/ping"

    def start(self) -> Process:
        """Start the server and wait until it responds.

        Raises:
            LocalStackError: its port is in use, or it does not start.
        """
        process = self.launch()
        process.wait_ready(self.answers, READY_TIMEOUT_S)
        return process

    def launch(self) -> Process:
        """Start the server without waiting for it.

        Raises:
            LocalStackError: its port is in use.
        """
        if not is_free(self.port):
            raise LocalStackError(
                f"ClickHouse's port {self.port} is in use by another process; set "
                "SLUICE_CLICKHOUSE_PORT to another one, or to 0 for a free one"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_users(self.folder, self.more_users, self.query_settings)
        access = SERVER_XML.format(folder=self.folder)
        (self.folder / "config.xml").write_text(_CONFIG.format(port=self.port, access=access))
        return start_process(
            "clickhouse",
            [sys.executable, "-m", "infra.devstack.clickhouse_server", str(self.folder / "data")],
            folder=self.folder,
        )

    def answers(self) -> bool:
        """Return whether it serves queries."""
        return http_answers(self.health)
