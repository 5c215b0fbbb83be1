"""Answers: recorded ones first, then the workload's by strength, then a stock answer."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.simulator.process import SimulatorOptions, build_parts
from infra.simulator.responses.recorded_responses import read_recorded
from infra.workload.sample import load_workload
from schemas.errors import LocalStackError
from tests.unit.simulator.world import FORMATS, MODELS, calling, run

LINES: list[dict[str, Any]] = [
    {
        "prompt": "What is 2 + 2?",
        "answers": {
            "gpt-4o-2024-08-06": {"text": "4", "score": 1.0},
            "claude-3-5-sonnet-20241022": {"text": "four", "score": 1.0},
            "o1-mini-2024-09-12": {"text": "It is 4.", "score": 1.0},
        },
    }
]


def _recorded(folder: Path, *, packed: bool) -> Path:
    raw = b"".join(orjson.dumps(line) + b"\n" for line in LINES)
    path = folder / ("answers.jsonl.gz" if packed else "answers.jsonl")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    return path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("openai", "gpt-4o-2024-08-06", "4"),
        ("openai", "gpt-4o", "4"),
        ("openai", "mine", "four"),
        ("openai", "o1", "It is 4."),
        ("anthropic", "claude-3-5-sonnet-20241022", "four"),
        ("anthropic", "claude-opus-4-20250514", "four"),
    ],
    ids=["by name", "without its date", "by an alias", "o1", "another format", "a stand-in"],
)
def test_a_recorded_answer_is_found_by_model_and_prompt(
    tmp_path: Path, name: str, model: str, expected: str, *, packed: bool
) -> None:
    answers = _recorded(tmp_path, packed=packed)

    async def case() -> None:
        aliases = (("mine", "claude-3-5-sonnet"),)
        async with calling(name, answers=answers, aliases=aliases) as caller:
            answer = await caller.ask("What is 2 + 2?", model=model)
            assert caller.text(answer) == expected
            assert caller.running.ledger.lines(1)[0]["source"] == "recorded"

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_a_recorded_tool_call_is_not_repeated_after_its_result(tmp_path: Path, name: str) -> None:
    call = {"name": "get_weather", "arguments": {"city": "Paris"}}
    line = {"prompt": "Paris?", "answers": {MODELS[name]: {"tool_calls": [call]}}}
    answers = tmp_path / "answers.jsonl"
    answers.write_bytes(orjson.dumps(line))
    tool = {"name": "get_weather", "input_schema": {"type": "object"}}
    if name == "openai":
        tool = {"type": "function", "function": {"name": "get_weather"}}

    async def case() -> None:
        async with calling(name, answers=answers) as caller:
            first = (await caller.ask("Paris?", tools=[tool])).json()
            question = {"role": "user", "content": "Paris?"}
            if name == "openai":
                turn = first["choices"][0]["message"]
                called = turn["tool_calls"][0]["id"]
                turn = {"role": "assistant", "tool_calls": turn["tool_calls"]}
                result = {"role": "tool", "tool_call_id": called, "content": "sunny"}
            else:
                called = first["content"][0]["id"]
                turn = {"role": "assistant", "content": first["content"]}
                block = {"type": "tool_result", "tool_use_id": called, "content": "sunny"}
                result = {"role": "user", "content": [block]}
            last = await caller.ask(messages=[question, turn, result], tools=[tool])
            assert caller.text(last)

    run(case())


@pytest.mark.parametrize("content", [b"{", b'{"answers": {}}\n', None])
def test_a_file_without_recorded_answers_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LocalStackError, match=r"broken\.jsonl"):
        list(read_recorded(path))
    with pytest.raises(LocalStackError):
        build_parts(SimulatorOptions(answers=path))


def test_the_workload_is_answered_by_the_strength_of_the_model() -> None:
    item = next(
        item
        for item in load_workload()
        if item.answers["simple"]["text"] != item.answers["complex"]["text"]
        and not any(answer.get("tool_calls") for answer in item.answers.values())
    )

    async def case() -> None:
        async with calling() as caller:
            for model, strength in (("gpt-4o-mini", "simple"), ("gpt-4o", "moderate")):
                actual = caller.text(await caller.ask(item.prompt, model=model))
                assert actual == item.answers[strength]["text"]
                assert caller.running.ledger.lines(1)[0]["source"] == "workload"

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_any_other_prompt_gets_a_stock_answer_the_same_each_time(name: str) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            first, second = [caller.text(await caller.ask("never heard of")) for _ in range(2)]
            assert first == second
            assert caller.running.ledger.lines(1)[0]["source"] == "stock"

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_is_cut_at_the_limit(name: str) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            document = (await caller.ask(max_tokens=2)).json()
            if name == "openai":
                assert document["choices"][0]["finish_reason"] == "length"
                assert document["usage"]["completion_tokens"] == 2
            else:
                assert document["stop_reason"] == "max_tokens"
                assert document["usage"]["output_tokens"] == 2

    run(case())


REFUSED: dict[str, dict[str, Any]] = {
    "an unknown field": {"colour": "red"},
    "a stream that is no boolean": {"stream": "yes"},
    "no messages": {"messages": []},
    "a temperature that is too high": {"temperature": 9},
    "a model that is no name": {"model": 5},
    "a tool's result without its call": {
        "messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]
    },
    "a forced tool that is not there": {
        "tools": [{"type": "function", "function": {"name": "f"}, "name": "f", "input_schema": {}}],
        "tool_choice": {"type": "tool", "name": "g"},
    },
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", REFUSED)
def test_requests_that_the_real_provider_rejects_are_rejected_at_no_cost(
    name: str, what: str
) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            answer = await caller.ask(**REFUSED[what])
            assert answer.status_code == 400
            assert answer.json()["error"]["type"] == "invalid_request_error"
            line = caller.running.ledger.lines(1)[0]
            assert (line["status"], line["cost_nano"]) == (400, 0)

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_that_are_no_json_are_refused(name: str) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            path = "/v1/messages" if name == "anthropic" else "/v1/chat/completions"
            headers = {"anthropic-version": "2023-06-01"}
            for raw in (b"", b"{", b"[]", b"\xff"):
                answer = await caller.http.post(path, content=raw, headers=headers)
                assert answer.status_code == 400

    run(case())


def test_other_paths_methods_and_a_missing_version_are_refused() -> None:
    async def case() -> None:
        async with calling() as caller:
            assert (await caller.http.post("/v2/nothing", json={})).status_code == 404
            assert (await caller.http.get("/v1/messages")).status_code == 405
            assert (await caller.http.post("/v1/messages", json={})).status_code == 400

    run(case())


def test_azure_s_deployment_is_the_model() -> None:
    async def case() -> None:
        async with calling() as caller:
            path = "/openai/deployments/gpt-4o-mini/chat/completions"
            body = {"messages": [{"role": "user", "content": "Hi"}], "model": "ignored"}
            assert (await caller.http.post(path, json=body)).status_code == 404
            answer = await caller.http.post(f"{path}?api-version=2024-10-21", json=body)
            assert answer.json()["model"] == "gpt-4o-mini"
            assert caller.running.ledger.lines(1)[0]["model"] == "gpt-4o-mini"

    run(case())


def test_a_body_beyond_all_limits_is_refused_and_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.simulator.server.MAX_BODY_BYTES", 1_000)

    async def case() -> None:
        async with calling() as caller:
            assert (await caller.ask("x" * 2_000)).status_code == 413
            assert caller.running.ledger.totals()["statuses"] == {"413": 1}

    run(case())


def test_every_model_of_the_formats_answers_under_its_own_name() -> None:
    async def case() -> None:
        for name, model in MODELS.items():
            async with calling(name) as caller:
                assert (await caller.ask()).json()["model"] == model

    run(case())


@pytest.mark.parametrize("headers", [{"origin": "http://page.example"}, {"host": "page.example"}])
def test_a_web_page_of_another_origin_steers_nothing(headers: dict[str, str]) -> None:
    async def case() -> None:
        async with calling() as caller:
            for path in ("/admin/health", "/admin/faults", "/v1/chat/completions"):
                answer = await caller.http.put(path, headers=headers, content=b'{"faults": []}')
                assert answer.status_code == 403
            assert caller.running.ledger.totals()["calls"] == 0

    run(case())
