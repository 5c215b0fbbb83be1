"""The examples work, run as their reader would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.rig.doc_blocks import ROOT, Block, blocks
from tests.rig.observed.books import rows
from tests.rig.observed.polling import poll_until
from tests.rig.stack import Stack

EXAMPLES = Path(__file__).parents[3] / "examples" / "python"


def _run(name: str, *arguments: str, stdin_text: str = "", **env: str) -> str:
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        input=stdin_text,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_one_question_with_aiokafka(pipeline: Stack) -> None:
    output = _run(
        "ask_with_aiokafka.py",
        "What is 1 + 1?",
        SLUICE_KAFKA_BOOTSTRAP_SERVERS=pipeline.bootstrap,
    )
    assert "on tier simple" in output
    assert "USD" in output


@pytest.mark.parametrize(
    "block",
    [each for each in blocks("python") if each.page == "client.md" and each.reason is None],
    ids=lambda block: block.place,
)
def test_the_client_s_page(pipeline: Stack, block: Block) -> None:
    environment = {**os.environ, "SLUICE_KAFKA_BOOTSTRAP_SERVERS": pipeline.bootstrap}
    ended = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ("print" in block.text) == bool(ended.stdout)


def test_many_questions_with_confluent_kafka(pipeline: Stack) -> None:
    questions = [f"What is {number} + 1?" for number in range(5)]
    output = _run(
        "ask_with_confluent.py",
        stdin_text="\n".join(questions),
        SLUICE_KAFKA_BOOTSTRAP_SERVERS=pipeline.bootstrap,
    )
    for question in questions:
        assert f"{question} -> replied by " in output


def test_spend_with_pandas(pipeline: Stack) -> None:
    _run(
        "ask_with_aiokafka.py",
        "What is 2 + 2?",
        SLUICE_KAFKA_BOOTSTRAP_SERVERS=pipeline.bootstrap,
    )
    url = urlsplit(pipeline.clickhouse_url)
    address = {
        "CLICKHOUSE_HOST": url.hostname or "",
        "CLICKHOUSE_PORT": str(url.port),
        "CLICKHOUSE_USER": url.username or "default",
        "CLICKHOUSE_PASSWORD": url.password or "",
    }
    stored = "SELECT count() FROM sluice.calls WHERE request_model = 'gpt-4o-mini'"
    poll_until(lambda: rows(pipeline.clickhouse_url, stored)[0][0] > 0)
    output = _run("spend_with_pandas.py", **address)
    assert "gpt-4o-mini" in output
    assert "saved" in output
