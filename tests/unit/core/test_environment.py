"""A `SLUICE_*` variable that nothing reads is reported, with the nearest known name."""

from __future__ import annotations

import pytest

from core.environment import KNOWN, unknown_in_words, unknown_variables
from core.kafka.access import KafkaAccess
from infra.cli import main
from infra.settings import InfraSettings
from sinks.settings import SinkSettings
from streams.gateway.settings import GatewaySettings
from streams.worker.settings import WorkerSettings

CLASSES = (InfraSettings, WorkerSettings, GatewaySettings, SinkSettings, KafkaAccess)


def test_the_list_of_names_is_that_of_all_settings() -> None:
    read = {f"SLUICE_{name.upper()}" for each in CLASSES for name in each.model_fields}

    assert read | {"SLUICE_DEBUG"} == KNOWN


MISSPELT = {
    "SLUICE_KAFKA_BOOTSTRAP_SERVER": "SLUICE_KAFKA_BOOTSTRAP_SERVERS",
    "SLUICE_ALOWED_HOSTS": "SLUICE_ALLOWED_HOSTS",
    "SLUICE_CLICKHOUSE_PASWORD": "SLUICE_CLICKHOUSE_PASSWORD",
    "SLUICE_WORKERS_PORT": "SLUICE_WORKER_PORT",
    "SLUICE_LOGLEVEL": "SLUICE_LOG_LEVEL",
    "SLUICE_XYZZY": None,
}


@pytest.mark.parametrize("name", MISSPELT)
def test_the_nearest_name_is_suggested(name: str) -> None:
    assert unknown_variables({name: "secret", "PATH": "x"}) == {name: MISSPELT[name]}
    (line,) = unknown_in_words({name: "secret"})
    assert "secret" not in line
    assert MISSPELT[name] is None or f"did you mean {MISSPELT[name]}?" in line


def test_known_names_and_those_of_tests_are_not_reported() -> None:
    assert unknown_variables({"SLUICE_TIERS": "a", "SLUICE_TEST_KAFKA": "x", "SLUICEX": "y"}) == {}


def test_every_command_reports_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLUICE_TEIRS", "a,b")

    with pytest.raises(SystemExit) as ended:
        main.main(["registry", "schema"])

    assert ended.value.code == 0
    assert "did you mean SLUICE_TIERS?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["worker", "sink"])
def test_processes_log_it(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setenv("SLUICE_TEIRS", "a,b")
    monkeypatch.setenv("SLUICE_LOG_FORMAT", "json")
    monkeypatch.setattr("streams.worker.run._run", nothing)
    monkeypatch.setattr("sinks.run.run_sink", nothing)

    with pytest.raises(SystemExit):
        main.main([command])

    output = capsys.readouterr().err
    assert output.startswith('{"time":')
    assert "did you mean SLUICE_TIERS?" in output
