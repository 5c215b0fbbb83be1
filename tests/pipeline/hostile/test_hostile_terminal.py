"""Untrusted text reaches an operator's terminal as plain text in every command."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from functools import partial
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import Alert
from schemas.topics import ALERTS, FEEDBACK, REQUESTS
from tests.rig.hostile.sender import sender
from tests.rig.hostile.terminal import obeyed_by_a_terminal, sluice_on_a_terminal
from tests.rig.observed.books import rows
from tests.rig.observed.polling import poll_until
from tests.rig.stack import Stack

HOSTILE = "h\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b31m\u202egnp\r\nforged\x00"
STORED_BY_S = 30.0
DEAD = f"sluice.dead_letters WHERE sha256 = '{sha256(HOSTILE.encode()).hexdigest()}'"


async def _leave_traces(bootstrap: str, request_id: str) -> None:
    """A request, feedback, an alert and an unreadable record, each with what a terminal obeys."""
    alert = Alert(
        rule=f"rule-{HOSTILE}",
        subject=HOSTILE,
        state="fired",
        severity="warning",
        message=HOSTILE,
        at=int(time.time() * 1000),
        worker=HOSTILE,
    )
    request = {"request_id": request_id, "prompt": HOSTILE, "user_id": HOSTILE}
    async with sender(bootstrap) as caller:
        assert (await caller.ask(request))["status"] == "replied"
    feedback = {"request_id": request_id, "tenant": "default", "score": 0.1, "label": HOSTILE}
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as writer:
        await writer.send_and_wait(FEEDBACK, orjson.dumps(feedback))
        await writer.send_and_wait(REQUESTS, HOSTILE.encode(), headers=[(HOSTILE, b"\x1b[2J")])
        await writer.send_and_wait(ALERTS, Codec("Alert").encode(as_record(alert)), partition=0)


def _is_there(clickhouse_url: str, what: str) -> bool:
    return bool(rows(clickhouse_url, f"SELECT count() FROM {what}")[0][0])


def test_no_command_prints_terminal_control_sequences_of_callers(
    pipeline: Stack, tmp_path: Path
) -> None:
    request_id = f"hostile-{uuid.uuid4().hex}"
    asyncio.run(_leave_traces(pipeline.bootstrap, request_id))
    env = {
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS": pipeline.bootstrap,
        "SLUICE_CLICKHOUSE_URL": pipeline.clickhouse_url,
        "SLUICE_HOME": str(tmp_path),
    }

    of_it = f"WHERE request_id = '{request_id}' AND"
    for each in (
        f"sluice.outcomes {of_it} final",
        f"sluice.calls {of_it} cost IS NOT NULL",
        f"sluice.quality {of_it} signal = 'feedback'",
        DEAD,
    ):
        poll_until(partial(_is_there, pipeline.clickhouse_url, each), STORED_BY_S)
    commands = (
        ("ask", HOSTILE.replace("\x00", ""), "--user-id", HOSTILE.replace("\x00", "")),
        ("explain", request_id),
        ("query", "cost_by", "--param", "by=user", "--since", "1h"),
        ("query", "dead_letters", "--since", "1h"),
        ("query", "cost_by", "--param", "by=user", "--since", "1h", "--format", "csv"),
        ("alerts",),
        ("explain", HOSTILE.replace("\x00", "")),
    )
    shown = dict(zip(commands, sluice_on_a_terminal(commands, env, tmp_path), strict=True))

    for command, written in shown.items():
        assert obeyed_by_a_terminal(written) == [], (command, written)
        # A table wraps a long cell; an untrusted line break would start a separate line.
        assert not re.search(r"^forged\S*\s*$", written, re.M) or command[0] == "query", written
    assert "forged" in shown["query", "cost_by", "--param", "by=user", "--since", "1h"]
    assert "forged" in shown["alerts",]
    assert "forged" in shown["explain", request_id]


@pytest.mark.parametrize("written", ["\x1b[2J", "\x1b]0;x\x07", "\x9b31m", "\u202e", "\x08"])
def test_the_check_itself_detects_control_sequences(written: str) -> None:
    assert obeyed_by_a_terminal(f"\x1b[31mred\x1b[0m {written}") != []
