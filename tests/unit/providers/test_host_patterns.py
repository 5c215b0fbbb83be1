"""Each documented form of an allowed host permits what it says; anything else is refused."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from schemas.errors import ConfigurationError
from streams.providers.guard import HostPolicy
from streams.settings import WorkerSettings

FORMS = {
    "api.example.com": (
        ["https://api.example.com", "https://api.example.com:8443", "https://API.example.com"],
        ["http://api.example.com", "https://x.api.example.com", "https://example.com"],
    ),
    "api.example.com:8443": (["https://api.example.com:8443"], ["https://api.example.com"]),
    "*.example.com": (
        ["https://a.example.com", "https://a.b.example.com"],
        ["https://example.com", "https://a.example.com.evil.org", "http://a.example.com"],
    ),
    "10.20.*": (["https://10.20.30.40"], ["https://10.21.0.1", "http://10.20.30.40"]),
    "[2001:db8::7]:8000": (["https://[2001:db8::7]:8000"], ["https://[2001:db8::7]"]),
    "[2001:db8::7]": (["https://[2001:db8::7]", "https://[2001:db8::7]:1"], ["https://[2001::7]"]),
    "2001:db8::7": (["https://[2001:db8::7]:1"], ["https://[2001:db8::8]"]),
    "http://vllm.internal": (
        ["http://vllm.internal", "http://vllm.internal:8000", "https://vllm.internal"],
        ["http://other.internal"],
    ),
    "http://vllm.internal:8000": (["http://vllm.internal:8000"], ["http://vllm.internal"]),
    "http://[2001:db8::7]:8000": (["http://[2001:db8::7]:8000"], ["http://[2001:db8::7]:8001"]),
    "https://api.example.com/": (["https://api.example.com"], ["http://api.example.com"]),
    "gpu-?.corp:80*": (["https://gpu-1.corp:8080"], ["https://gpu-12.corp:8080"]),
    "loopback": (["http://localhost:1", "https://127.0.0.1"], ["https://api.openai.com"]),
    "KNOWN": (["https://api.openai.com"], ["http://127.0.0.1"]),
    "*": (["https://anything.example"], ["http://anything.example"]),
}


def _allowed(entry: str, address: str) -> bool:
    return HostPolicy.from_patterns(entry).fault(httpx.URL(address)) is None


@pytest.mark.parametrize("entry", FORMS)
def test_a_form_permits_what_it_says_and_no_more(entry: str) -> None:
    permitted, others = FORMS[entry]

    assert [each for each in permitted if not _allowed(entry, each)] == []
    assert [each for each in others if _allowed(entry, each)] == []


WRONG = [
    "https://api.example.com/v1",
    "api.example.com/v1",
    "ftp://api.example.com",
    "me:secret@api.example.com",
    "api.example.com api.other.com",
    "api.example.com:99999",
    "api.example.com:0",
    "api.example.com:port",
    "api.example.com?x=1",
    "http://",
    "[::1",
]


@pytest.mark.parametrize("entry", WRONG)
def test_an_entry_that_could_never_match_is_refused_with_the_forms(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SLUICE_ALLOWED_HOSTS.*an entry is host"):
        HostPolicy.from_patterns(f"api.openai.com, {entry}")


def test_a_worker_refuses_it_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_ALLOWED_HOSTS", "https://api.example.com/v1")

    with pytest.raises((ConfigurationError, ValidationError), match="SLUICE_ALLOWED_HOSTS"):
        WorkerSettings()
