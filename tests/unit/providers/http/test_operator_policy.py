"""The operator, not the registry, sets which hosts are called and which keys are read."""

from __future__ import annotations

import httpx
import pytest

from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.port import Endpoint, ErrorClass, ProviderError
from tests.unit.providers.world import FORMATS, KEYS, QUICK, chat, provider_of, run

DEFAULT = HostPolicy.from_patterns(None)

ALLOWED = [
    "https://api.openai.com/v1",
    "https://API.OpenAI.com./v1",
    "https://mine.openai.azure.com",
    "http://localhost:8080",
    "http://127.0.0.1:11434/v1",
    "http://127.8.9.1",
    "http://[::1]:8000",
]
REFUSED = {
    "http to a known provider": "http://api.openai.com/v1",
    "an unknown host": "https://example.org",
    "a host that only ends alike": "https://evil-openai.azure.com.example.org",
    "a host that only begins alike": "https://api.openai.com.example.org",
    "another scheme": "ftp://api.openai.com",
    "no host": "https:///v1",
    "credentials": "https://me:secret@api.openai.com/v1",
    "this machine, written like another": "http://0.0.0.0:80",
}
NEVER = [
    "http://169.254.169.254/latest",
    "https://169.254.169.254",
    "https://2852039166",
    "https://0xa9fea9fe",
    "https://169.254.43518",
    "https://[fe80::1]",
    "https://[::ffff:169.254.169.254]",
    "https://[64:ff9b::a9fe:a9fe]",
    "https://[2002:a9fe:a9fe::]",
    "https://[::169.254.169.254]",
    "https://[64:ff9b:1::a9fe:a9fe]",
    "https://[fd00:ec2::254]",
    "https://100.100.100.200",
    "https://168.63.129.16",
]


@pytest.mark.parametrize("address", ALLOWED)
def test_known_providers_and_this_machine_may_be_called(address: str) -> None:
    DEFAULT.check(httpx.URL(address))


@pytest.mark.parametrize("what", REFUSED)
def test_others_are_refused_without_showing_credentials(what: str) -> None:
    with pytest.raises(ProviderError) as caught:
        DEFAULT.check(httpx.URL(REFUSED[what]))
    assert caught.value.error_class is ErrorClass.AUTH
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", NEVER)
def test_link_local_addresses_are_never_called_however_they_are_written(address: str) -> None:
    for patterns in (None, "*", "http://*,*"):
        with pytest.raises(ProviderError):
            HostPolicy.from_patterns(patterns).check(httpx.URL(address))


def test_an_entry_opens_a_host_a_port_or_plain_http_and_no_more() -> None:
    policy = HostPolicy.from_patterns("llm.corp, gpu.corp:8443, http://vllm.corp:8000, *.lan")

    def allowed(address: str) -> bool:
        try:
            policy.check(httpx.URL(address))
        except ProviderError:
            return False
        return True

    assert allowed("https://llm.corp")
    assert allowed("https://llm.corp:9443")
    assert not allowed("http://llm.corp")
    assert allowed("https://gpu.corp:8443")
    assert not allowed("https://gpu.corp")
    assert allowed("http://vllm.corp:8000")
    assert not allowed("http://vllm.corp:8001")
    assert allowed("https://a.lan")
    # The default's own hosts are named by `known` and `loopback`, or they are gone.
    assert not allowed("https://api.openai.com")
    assert not allowed("http://127.0.0.1")


def test_a_rejection_of_plain_http_names_the_entry_that_allows_it() -> None:
    with pytest.raises(ProviderError, match=r"http://vllm\.corp"):
        HostPolicy.from_patterns("vllm.corp").check(httpx.URL("http://vllm.corp:8000"))


def test_a_key_is_read_at_each_call_and_only_from_an_allowed_variable() -> None:
    environment = {"MINE_API_KEY": " sk-1 ", "SECRET": "x", "EMPTY_API_KEY": "", "ODD_API_KEY": "ä"}
    ring = KeyRing.from_patterns("*_API_KEY", environment)

    assert ring.key("MINE_API_KEY") == "sk-1"
    environment["MINE_API_KEY"] = "sk-2"
    assert ring.key("MINE_API_KEY") == "sk-2"
    for name in ("SECRET", "EMPTY_API_KEY", "ABSENT_API_KEY", "ODD_API_KEY"):
        with pytest.raises(ProviderError, match=name) as caught:
            ring.key(name)
        assert caught.value.error_class is ErrorClass.AUTH
        assert "ä" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk\r\nx: y", "sk\x00", "sk\n1"])
def test_a_key_can_t_bring_a_header_along(key: str) -> None:
    with pytest.raises(ProviderError):
        KeyRing(environment={"A_API_KEY": key}).key("A_API_KEY")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "place",
    [
        Endpoint(name="x", base_url="https://example.org"),
        Endpoint(name="x", base_url="http://127.0.0.1:1", api_key_env="SECRET"),
        Endpoint(name="x", base_url="http://127.0.0.1:1/v1?key=1"),
        Endpoint(name="x", base_url="http://127.0.0.1:1/#"),
        Endpoint(name="x", base_url="http://127.0.0.1:port"),
    ],
    ids=["host", "key", "query", "fragment", "no port"],
)
def test_an_adapter_checks_the_host_policy_before_it_connects(name: str, place: Endpoint) -> None:
    async def case() -> None:
        async with provider_of(name) as provider:
            with pytest.raises(ProviderError) as caught:
                await provider.complete(chat("m", QUICK), place)
            # Not CONNECTION, as port 1 would have returned.
            assert caught.value.error_class is ErrorClass.AUTH

    assert KEYS.environment["SECRET"]
    run(case())


def test_a_key_bound_to_a_host_is_sent_to_no_other() -> None:
    ring = KeyRing.from_patterns(
        "*_API_KEY,OPENAI_API_KEY@api.openai.com,AZURE_API_KEY@*.openai.azure.com",
        {"OPENAI_API_KEY": "sk-1", "AZURE_API_KEY": "az", "MINE_API_KEY": "m"},
    )
    assert ring.key("OPENAI_API_KEY", "api.openai.com") == "sk-1"
    assert ring.key("OPENAI_API_KEY", "API.OpenAI.com.") == "sk-1"
    assert ring.key("AZURE_API_KEY", "a.openai.azure.com") == "az"
    assert ring.key("MINE_API_KEY", "anywhere.example") == "m"
    for name, host in (("OPENAI_API_KEY", "evil.example"), ("AZURE_API_KEY", "openai.azure.com")):
        with pytest.raises(ProviderError, match=f"{name} may not be sent to {host}"):
            ring.key(name, host)


def test_a_required_binding_rejects_a_pattern_without_a_host() -> None:
    ring = KeyRing.from_patterns("*_API_KEY,A_API_KEY@a.example", {"A_API_KEY": "a"})
    assert ring.allows("A_API_KEY", "a.example", bound=True)
    assert not ring.allows("B_API_KEY", "a.example", bound=True)
    assert ring.allows("B_API_KEY", "a.example")


HERE = [
    *("http://localhost:8123", "http://LocalHost.:8123", "http://127.1:8123", "http://127.9.9.9"),
    *("http://2130706433", "http://0x7f000001", "http://017700000001", "http://0", "http://[::1]"),
    *(
        "http://0.0.0.0:8123",
        "http://[::]:8123",
        "http://[::ffff:127.0.0.1]",
        "http://[::127.0.0.1]",
    ),
    *("http://[64:ff9b::7f00:1]", "http://[2002:7f00:1::]", "http://foo.localhost"),
    *("http://localhost.localdomain", "http://ip6-localhost", "https://127.0.0.1"),
]


@pytest.mark.parametrize("address", ["http://[64:ff9b::7f00:1]", "http://[2002:7f00:1::]"])
def test_a_nat64_address_is_not_this_machine(address: str) -> None:
    assert HostPolicy.from_patterns("loopback").fault(httpx.URL(address)) is not None


@pytest.mark.parametrize("address", HERE)
def test_a_webhook_reaches_this_machine_by_no_glob_however_it_is_written(address: str) -> None:
    for patterns in (None, "*", "http://*,*", "127.*,http://127.*", "*:8123,http://*:8123"):
        policy = HostPolicy.from_patterns(patterns)
        assert policy.fault(httpx.URL(address), loopback=False) is not None


def test_a_webhook_reaches_this_machine_where_it_is_named() -> None:
    policy = HostPolicy.from_patterns("127.0.0.1:9000,http://localhost,hooks.example.com,*")

    assert policy.fault(httpx.URL("http://127.0.0.1:9000/x"), loopback=False) is None
    assert policy.fault(httpx.URL("http://127.0.0.1:8123/x"), loopback=False) is not None
    assert policy.fault(httpx.URL("http://localhost:1"), loopback=False) is None
    assert policy.fault(httpx.URL("https://hooks.example.com"), loopback=False) is None
