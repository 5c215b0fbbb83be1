"""Each documented form of an allowed host permits exactly its hosts; others are refused."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from schemas.errors import ConfigurationError
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.worker.settings import WorkerSettings

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
    "http://10.*": (
        ["http://10.1.2.3", "https://10.0.0.1:8443", "http://10.1.2.3.", "http://[::ffff:a01:203]"],
        ["http://10.evil.com", "http://10.1.2.3.evil.com", "http://11.0.0.1", "http://100.1.1.1"],
    ),
    "192.168.*": (
        ["https://192.168.1.1", "https://192.168.257"],
        ["https://192.168.evil.com", "https://192.168.1.1.evil.com", "https://192.168.a"],
    ),
    "127.*": (["http://127.8.8.8"], ["http://127.evil.com", "https://127.0.0.1.nip.io"]),
    "172.1?.0.*": (["https://172.16.0.9"], ["https://172.16.0.com", "https://172.20.0.9"]),
    "10.0.0.1": (["https://10.0.0.1", "https://0x0a000001"], ["https://10.0.0.1.com"]),
    "2001:db8::7:0": (["https://[2001:DB8:0:0::7:0]"], ["https://[2001:db8::7]"]),
    "[2001:db8:*]": (["https://[2001:db8::1]"], ["https://[2001:db9::1]"]),
    "*.Internal.": (
        ["https://a.internal", "https://A.B.INTERNAL.", "https://a.internal.:8443"],
        ["https://internal", "https://a.internal.evil.com", "http://a.internal"],
    ),
    "a*": (["https://ab.example"], ["https://[abcd::1]", "https://10.0.0.1"]),
    "*1": (["https://10.0.0.1"], ["https://evil1", "https://evil.c1"]),
    "*.5": (["https://10.0.0.5"], ["https://evil.5x"]),
    "10.*.internal": (["https://10.a.internal"], ["https://10.1.2.3"]),
    "müller.example": (
        ["https://müller.example", "https://xn--mller-kva.example", "https://MÜLLER.example."],
        ["https://muller.example", "https://mueller.example"],
    ),
    "*.xn--mller-kva.example": (["https://a.müller.example"], ["https://müller.example"]),
    "*.*": (["https://a.b", "https://10.0.0.1"], ["http://a.b", "https://ab"]),
    "*": (["https://anything.example"], ["http://anything.example"]),
}


def _allowed(entry: str, address: str) -> bool:
    return HostPolicy.from_patterns(entry).fault(httpx.URL(address)) is None


@pytest.mark.parametrize("entry", FORMS)
def test_a_pattern_permits_only_what_it_names(entry: str) -> None:
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
    "[::1]*",
    "http://[::1]*",
    "http://10.*@evil.com",
    "10.*/evil.com",
    "10.*#.evil.com",
]


@pytest.mark.parametrize("entry", WRONG)
def test_an_entry_that_could_never_match_is_refused_with_the_forms(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SLUICE_ALLOWED_HOSTS.*an entry is host"):
        HostPolicy.from_patterns(f"api.openai.com, {entry}")


def test_a_worker_refuses_it_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_ALLOWED_HOSTS", "https://api.example.com/v1")

    with pytest.raises((ConfigurationError, ValidationError), match="SLUICE_ALLOWED_HOSTS"):
        WorkerSettings()


@pytest.mark.parametrize("host", ["10.evil.com", "10.1.2.3.evil.com", "evil.com"])
def test_a_key_bound_to_addresses_is_sent_to_no_host_name(host: str) -> None:
    ring = KeyRing(patterns=("CORP_KEY@10.*",), environment={"CORP_KEY": "k"})

    assert ring.allows("CORP_KEY", "10.1.2.3")
    assert not ring.allows("CORP_KEY", host)


def test_credentials_in_an_address_open_nothing() -> None:
    assert not _allowed("10.*", "https://10.1.2.3@evil.com")
    assert not _allowed("evil.com", "https://10.1.2.3@evil.com")
