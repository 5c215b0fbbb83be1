"""Start of a gateway process: where it listens, and which partitions it reads."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from streams.gateway.process import Gateway, listen, own_partitions
from streams.gateway.settings import GatewaySettings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.internal"])
def test_a_gateway_without_keys_serves_this_machine_alone(host: str) -> None:
    settings = GatewaySettings.of(gateway_open=True, gateway_host=host)

    async def scenario() -> None:
        await Gateway(settings).run()

    with pytest.raises(ConfigurationError, match="SLUICE_GATEWAY_OPEN"):
        asyncio.run(scenario())


def test_an_address_in_use_is_named() -> None:
    first = listen("127.0.0.1", 0)
    try:
        with pytest.raises(ConfigurationError, match="SLUICE_GATEWAY_PORT"):
            listen("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()


@given(st.integers(1, 64), st.integers(0, 100))
def test_a_gateway_reads_a_quarter_of_the_partitions_or_as_many_as_wanted(
    partitions: int, wanted: int
) -> None:
    own = own_partitions(partitions, wanted)
    assert len(own) == len(set(own)) == min(wanted or max(partitions // 4, 1), partitions)
    assert set(own) <= set(range(partitions))


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b,c"])
def test_an_alias_without_a_pattern_or_a_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="pattern=name"):
        GatewaySettings.of(gateway_aliases=text)


def test_the_first_alias_that_matches_counts() -> None:
    settings = GatewaySettings.of(gateway_aliases="gpt-5-mini=simple, gpt-5*=auto")
    assert settings.alias_of("gpt-5-mini") == "simple"
    assert settings.alias_of("gpt-5.1") == "auto"
    assert settings.alias_of("claude") is None
    assert GatewaySettings.of().alias_of("anything") == "auto"
