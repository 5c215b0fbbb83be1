"""Replays over a real log and real tables, end to end, and their failures."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient  # type: ignore[attr-defined]

from infra.cli.offline.replay import command
from infra.cli.output.errors import report_faults
from schemas.topics import REPLAY_DECISIONS, REQUESTS
from sinks.settings import SinkSettings
from streams.providers.in_memory_provider import text_answer
from streams.registry.learned import default_artifact
from streams.registry.publishing import publish_version
from streams.registry.version import parse_registry
from streams.routing.learned.artifact import pack_artifact
from tests.fixtures.migrated import make_migrated
from tests.fixtures.services import run_sql, some_clickhouse, some_kafka
from tests.rig.kafka.replayed_log import golden, publish
from tests.rig.stack import Stack
from tests.unit.agents.world import REGISTRY
from tests.unit.offline.replay.world import RecordedLog, record

LIVE = f"{REGISTRY.rstrip()}\n  boundaries: [0.2, 0.46]\n  shadow: {{share: 0.5, usd_per_day: 9}}\n"
CHEAP = LIVE.replace("[0.2, 0.46]", "[0.9, 0.95]")
PROMPTS = (
    "hi", "What are your opening hours?", "Prove, step by step, that the algorithm terminates.",
    "Write a function in Rust that merges two sorted lists, then analyse its complexity.",
)  # fmt: skip
ROWS = 80


@dataclass
class Replays:
    """A pipeline with a recorded log; `run` calls `sluice replay`."""

    stack: Stack
    log: RecordedLog
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, status: int = 0) -> Any:
        found = report_faults(command, [*arguments, "--json"])
        printed = self.capsys.readouterr()
        assert found == status, printed.err
        return json.loads(printed.out) if status == 0 else printed.err

    def file(self, text: str, name: str = "registry.yaml") -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def ends(self) -> dict[str, int]:
        """The end of every topic's first partitions."""
        consumer = Consumer(
            {"bootstrap.servers": self.stack.bootstrap, "group.id": "x", "log_level": 0}
        )
        found = {}
        for name, topic in consumer.list_topics(timeout=10).topics.items():
            for partition in topic.partitions:
                _, high = consumer.get_watermark_offsets(TopicPartition(name, partition))
                found[f"{name}:{partition}"] = high
        consumer.close()
        return found

    def groups(self) -> set[str]:
        admin = AdminClient({"bootstrap.servers": self.stack.bootstrap, "log_level": 0})
        return {each.group_id for each in admin.list_consumer_groups().result().valid}


def traffic() -> RecordedLog:
    requests = [
        (0, {"request_id": f"r{n}", "prompt": PROMPTS[n % len(PROMPTS)], "tenant": f"t{n % 2}"})
        for n in range(ROWS)
    ]
    log = record(
        [LIVE], requests, script=lambda call, endpoint: text_answer("It is 7.", input_tokens=90)
    )
    scores = {"gpt-4o-mini": 0.5, "gpt-4o": 0.75, "opus": 1.0}
    answers = [call for call in log.calls if call["purpose"] in {"answer", "shadow"}]
    log.signals += golden(answers, lambda call: scores[call["request_model"]])
    return log


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, RecordedLog]]:
    """Kafka, ClickHouse and a sink; the recorded log is on the topics, and in the tables."""
    with some_kafka() as kafka, some_clickhouse() as clickhouse:
        stack = Stack(
            tmp_path_factory.mktemp("replay"), kafka_at=kafka, clickhouse_at=clickhouse,
            partitions=2,
        )  # fmt: skip
        try:
            stack.create_topics()
            make_migrated(SinkSettings(clickhouse_url=clickhouse))
            version = parse_registry(LIVE)
            asyncio.run(publish_version({"bootstrap_servers": kafka}, version, by="test"))
            log = traffic()
            publish(kafka, log)
            stack.start_sink()
            stack.processes["sink-1"].wait_ready(lambda: stored(clickhouse) >= ROWS, 60)
            yield stack, log
        finally:
            stack.stop()


def stored(clickhouse: str, table: str = "requests") -> int:
    return int(run_sql(clickhouse, f"SELECT count() FROM sluice.{table}"))


@pytest.fixture
def replays(
    held: tuple[Stack, RecordedLog],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Replays:
    stack, log = held
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", stack.bootstrap)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", stack.clickhouse_url)
    return Replays(stack=stack, log=log, folder=tmp_path, capsys=capsys)


def test_under_the_live_registry_every_decision_is_the_same(replays: Replays) -> None:
    found = replays.run("run", "--since", "1h", "--assess-all")

    assert found["requests"] == found["same"] == ROWS
    assert found["how"] == {"assessed": ROWS}
    assert found["tally"]["decided"] == ROWS
    assert {each["from"] for each in found["tier_moves"]} >= {"simple", "complex"}
    assert found["change"]["cost_nano"]["mean"] == pytest.approx(0)


def test_a_cheaper_policy_has_lower_cost_and_quality_and_names_the_basis(
    replays: Replays,
) -> None:
    found = replays.run("run", "--since", "1h", "--registry", replays.file(CHEAP))

    assert found["how"] == {"reused": ROWS}
    assert found["change"]["cost_nano"]["high"] < 0
    assert found["change"]["quality"]["mean"] < 0
    rests = found["projected"]["quality"]["rests_on"]
    assert rests["seen"] > 0
    assert rests["corrected"] > 0
    assert rests["unknown"] == 0
    moves = {(each["from"], each["to"]): each["requests"] for each in found["tier_moves"]}
    assert sum(count for (_, new), count in moves.items() if new == "simple") > ROWS / 2


def test_a_replay_changes_only_its_own_topic(replays: Replays) -> None:
    ends, groups = replays.ends(), replays.groups()
    replays.run("run", "--since", "1h", "--registry", replays.file(CHEAP), "--sample", "0.9")

    grown = {name for name, end in replays.ends().items() if end != ends.get(name)}
    topics = {name.rpartition(":")[0] for name in grown} - {"__consumer_offsets"}
    assert topics == {REPLAY_DECISIONS}, "the sink alone commits what it stored"
    assert replays.groups() == groups


def test_the_same_command_is_the_same_run_and_does_nothing_twice(replays: Replays) -> None:
    spans = [f"--offsets={REQUESTS}:{partition}:0-30" for partition in range(2)]
    requests = ["run", *spans, "--registry", replays.file(CHEAP)]
    first, second = replays.run(*requests), replays.run(*requests)

    assert first["run"] == second["run"]
    assert first["tally"]["decided"] == 60
    assert second["tally"]["decided"] == 0
    assert second["tally"]["before"] == 60
    assert second["projected"] == first["projected"]
    more = replays.run(*requests, "--processes", "2")
    assert more["tally"]["before"] == 60


def test_an_artifact_out_of_a_file_decides(replays: Replays) -> None:
    path = replays.folder / "learned.artifact"
    everywhere = replace(default_artifact(), about={"note": "replayed"}, domain=None)
    path.write_bytes(pack_artifact(everywhere))
    found = replays.run("run", "--since", "1h", "--artifact", str(path))

    assert found["how"] == {"assessed": ROWS}
    moved = [each for each in found["tier_moves"] if each["from"] != each["to"]]
    assert sum(each["requests"] for each in moved) == ROWS - found["same"] > 0


KILLED = """
import os, signal, sys
from infra.cli.main import main
from streams.offline.replay.row_bytes import RowBytes

whole, left = RowBytes.encode, [40]

def encode(self, *given):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, *given)

RowBytes.encode = encode
sys.argv = ["sluice", "replay", *sys.argv[1:]]
main()
"""


def test_a_killed_run_resumes_where_it_was_interrupted(replays: Replays) -> None:
    spans = [f"--offsets={REQUESTS}:{partition}:0-29" for partition in range(2)]
    requests = ["run", *spans, "--registry", replays.file(CHEAP)]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *requests],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    found = replays.run(*requests)
    tally = found["tally"]
    assert tally["decided"] + tally["before"] == found["requests"] == 58
    assert tally["decided"] >= 58 - 40
    rows = run_sql(
        replays.stack.clickhouse_url,
        "SELECT count(), uniqExact(source_partition, source_offset) FROM sluice.replay_decisions "
        f"WHERE kind = 'decision' AND run_id = '{found['run']}'",
    )
    assert rows.split() == ["58", "58"]
    again = replays.run(*requests)
    assert again["tally"]["before"] == 58
    assert again["projected"] == found["projected"]


def test_several_processes_share_a_run_and_no_request_is_decided_twice(replays: Replays) -> None:
    found = replays.run("run", "--since", "1h", "--tenant", "t1", "--processes", "2")

    assert found["tally"]["decided"] == found["requests"] == found["same"] == ROWS // 2
    rows = run_sql(
        replays.stack.clickhouse_url,
        "SELECT count(), uniqExact(source_partition, source_offset) FROM sluice.replay_decisions "
        f"WHERE kind = 'decision' AND run_id = '{found['run']}'",
    )
    assert rows.split() == [str(ROWS // 2)] * 2


def test_models_that_cannot_be_called_are_named_before_any_call(replays: Replays) -> None:
    requests = ["run", "--since", "1h", "--registry", replays.file(CHEAP)]
    output = replays.run(*requests, "--execute", "--max-usd", "1", status=1)

    assert "gpt-4o-mini: provider scripted is not installed" in output


def test_runs_are_listed_and_compared_over_common_requests(replays: Replays) -> None:
    spans = [f"--offsets={REQUESTS}:{partition}:0-25" for partition in range(2)]
    live = replays.run("run", *spans)["run"]
    cheap = replays.run("run", *spans, "--registry", replays.file(CHEAP), "--tenant", "t0")["run"]

    assert {live, cheap} <= {each["run_id"] for each in replays.run("list")}
    found = replays.run("diff", live, cheap)
    assert found["requests"] == 25
    assert 0 < found["otherwise"] <= 25
    assert found["change"]["cost_nano"]["mean"] < 0


def test_a_run_becomes_an_experiment(replays: Replays) -> None:
    run = replays.run("run", "--since", "1h", "--registry", replays.file(CHEAP))["run"]

    assert report_faults(command, ["promote", run, "--share", "0.2"]) == 0
    version = parse_registry(replays.capsys.readouterr().out)
    (experiment,) = version.snapshot.experiments
    assert experiment.share == 0.2
    arms = {arm.name: arm.snapshot.policy.boundaries for arm in experiment.arms}
    assert arms == {"control": (0.2, 0.46), "replayed": (0.9, 0.95)}


@pytest.mark.parametrize(
    ("arguments", "status", "output"),
    [
        (["diff", "nobody", "nothing"], 1, "no replay has the id nobody"),
        (["promote", "nobody"], 1, "no replay has the id nobody"),
        (["run", "--since", "2020-01-01", "--until", "2020-01-02"], 1, "has no request"),
        (["run", "--since", "soon"], 2, "is not a time"),
        (["run", "--offsets", "here"], 2, "TOPIC:PARTITION:FIRST-END"),
        (["run", "--execute"], 2, "must be given together"),
        (["run", "--max-usd", "1"], 2, "must be given together"),
        (["run", "--registry", "missing.yaml"], 1, "cannot read"),
        (["run", "--artifact", "nobody"], 1, "nobody"),
    ],
)
def test_invalid_arguments_are_errors_with_a_reason(
    replays: Replays, arguments: list[str], status: int, output: str
) -> None:
    assert output in replays.run(*arguments, status=status)


def test_a_registry_that_does_not_validate_names_the_path(replays: Replays) -> None:
    output = replays.run("run", "--registry", replays.file(LIVE + "  nonsense: 1\n"), status=1)
    assert "policy.nonsense: unknown key" in output


@pytest.mark.parametrize("away", ["SLUICE_KAFKA_BOOTSTRAP_SERVERS", "SLUICE_CLICKHOUSE_URL"])
def test_an_unreachable_service_is_named(
    replays: Replays, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(away, "127.0.0.1:9" if "KAFKA" in away else "http://127.0.0.1:9")
    output = replays.run("run", "--since", "1h", status=1)
    assert "does not answer" in output or "unreachable" in output


def test_a_deleted_start_of_the_log_is_reported_with_the_missing_requests(replays: Replays) -> None:
    admin = AdminClient({"bootstrap.servers": replays.stack.bootstrap, "log_level": 0})
    for each in admin.delete_records([TopicPartition(REQUESTS, 0, 10)]).values():
        each.result()

    found = replays.run("run", "--since", "1h", "--registry", replays.file(CHEAP))
    (gone,) = found["gone"]
    assert (gone["partition"], gone["requests"]) == (0, 10)
    assert found["tally"]["gone"] == 10
    assert found["requests"] == ROWS - 10
    assert Counter(found["how"]) == {"reused": ROWS - 10}
    part = replays.run("run", f"--offsets={REQUESTS}:0:4-14")
    assert (part["tally"]["gone"], part["requests"]) == (6, 4)
    offsets = f"--offsets={REQUESTS}:0:0-10"
    assert "all 10 were deleted" in replays.run("run", offsets, status=1)
