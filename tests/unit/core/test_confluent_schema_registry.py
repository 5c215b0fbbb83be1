"""A schema registry's URL that is none is a named error before anything is requested."""

from __future__ import annotations

import asyncio

import pytest

from core.confluent_schema_registry import ConfluentRegistry
from schemas.errors import ConfigurationError


@pytest.mark.parametrize("url", ["foo", "ftp://x", "localhost:8081", "http://u\nser:pw@x", ""])
def test_what_is_no_http_url_names_the_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_SCHEMA_REGISTRY_URL"):
        ConfluentRegistry(url)


def test_an_http_url_is_taken() -> None:
    async def case() -> None:
        await ConfluentRegistry("http://user:pw@127.0.0.1:1").close()

    asyncio.run(case())
