"""The suites: which tests of others run, which do not and why, and their results."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.compat.environment import HERE, PYTHON, sdist_of

_SUITE_S = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Tests of others. `left_out` has the reason by a pattern of a test's name; `base` is what the
    tests expect after the gateway's address.
    """

    name: str
    files: tuple[str, ...]
    package: str | None = None
    base: str = ""
    options: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """Counts of a suite, and the failures by test."""

    suite: Suite
    passed: int
    skipped: int
    left_out: int
    failures: Mapping[str, str]


_OURS = ("-c", "/dev/null", "--confcutdir=.", "-o", "asyncio_mode=auto")
_NO_INTERNET = "downloads its picture or document from the internet"

SUITES = (
    Suite(
        name="OpenAI SDK's own tests",
        package="openai",
        base="/v1",
        options=("-o", "addopts="),
        files=(
            "tests/api_resources/chat/test_completions.py",
            "tests/api_resources/test_models.py",
        ),
        left_out={
            r"test_completions.*_(retrieve|update|list|list_with_all_params|delete)\b": (
                "stored completions are not an endpoint of the gateway"
            ),
            r"test_models.*_delete\b": "deleting models is not an endpoint of the gateway",
            r"test_method_create_with_all_params_overload_1": (
                "sends stream_options without stream and max_tokens of 0, which OpenAI refuses too"
            ),
            r"test_method_create_with_all_params_overload_2": (
                "sends max_tokens of 0, which OpenAI refuses too"
            ),
        },
    ),
    Suite(
        name="OpenAI SDK's own tests of responses",
        package="openai",
        base="/v1",
        options=("-o", "addopts="),
        files=("tests/api_resources/test_responses.py",),
        left_out={
            r"_create_overload": "sends no model and no input, which OpenAI refuses too",
            r"_create_with_all_params": (
                "sends conversation and previous_response_id, which no request may do at once; "
                "the gateway holds no conversations"
            ),
            r"(method|raw_response|streaming_response)_(retrieve|cancel)": (
                "reads a response that does not exist"
            ),
            r"(method|raw_response|streaming_response)_(delete|compact)": (
                "deleting and compacting responses are not endpoints of the gateway"
            ),
        },
    ),
    Suite(
        name="Anthropic SDK's own tests",
        package="anthropic",
        options=("-o", "addopts=-p tests._alias_httpx"),
        files=("tests/api_resources/test_messages.py", "tests/api_resources/test_models.py"),
    ),
    Suite(
        name="LangChain's standard tests, OpenAI",
        options=_OURS,
        files=("test_langchain_openai.py",),
        left_out={r"test_(image|pdf)_inputs": _NO_INTERNET},
    ),
    Suite(
        name="LangChain's standard tests, OpenAI's responses",
        options=_OURS,
        files=("test_langchain_responses.py",),
        left_out={r"test_(image|pdf)_inputs": _NO_INTERNET},
    ),
    Suite(
        name="LangChain's standard tests, Anthropic",
        options=_OURS,
        files=("test_langchain_anthropic.py",),
        left_out={
            r"test_(image|pdf)_(inputs|tool_message)": _NO_INTERNET,
            r"test_anthropic_inputs": _NO_INTERNET,
        },
    ),
    Suite(
        name="Vendors' OpenAPI documents",
        options=_OURS,
        files=("test_vendor_schemas.py",),
    ),
)


def run_suite(suite: Suite, env: Mapping[str, str], folder: Path) -> SuiteResult:
    """Run a suite; its log is in `folder`."""
    place = sdist_of(suite.package) if suite.package else HERE / "suites"
    report = folder / f"{suite.files[0].rpartition('/')[2]}-{suite.package}.xml"
    common = (
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"),
        *("--tb=line", "--show-capture=no", "--rootdir=.", *suite.options),
        *("-o", "asyncio_default_fixture_loop_scope=session"),
    )
    listed = _pytest(place, [*common, "--collect-only", *suite.files], suite, env)
    tests = re.findall(r"^\S+::.+$", listed, re.MULTILINE)
    out = [test for test in tests if any(re.search(each, test) for each in suite.left_out)]
    dropped = [f"--deselect={test}" for test in out]
    log = _pytest(place, [*common, f"--junitxml={report}", *dropped, *suite.files], suite, env)
    report.with_suffix(".log").write_text(listed + log)
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failures = {
        case.get("name", ""): (problem.get("message") or "")[:300]
        for case in cases
        for problem in (*case.findall("failure"), *case.findall("error"))
    }
    skipped = sum(case.find("skipped") is not None for case in cases)
    return SuiteResult(
        suite=suite,
        passed=len(cases) - skipped - len(failures),
        skipped=skipped,
        left_out=len(out),
        failures=failures,
    )


def _pytest(place: Path, options: list[str], suite: Suite, env: Mapping[str, str]) -> str:
    gateway = env["SLUICE_COMPAT_GATEWAY"]
    done = subprocess.run(
        [str(PYTHON), *options],
        cwd=place,
        env={**env, "TEST_API_BASE_URL": f"{gateway}{suite.base}"},
        capture_output=True,
        text=True,
        timeout=_SUITE_S,
        check=False,
    )
    return done.stdout + done.stderr
