"""Tokens are valid when a connection opens, and are requested rarely."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.credentials import Hidden
from core.kafka.tokens import (
    RETRY_S,
    AsyncTokens,
    LibrdkafkaTokens,
    Token,
    TokenEndpoint,
    TokenFile,
)
from schemas.errors import ConfigurationError
from tests.rig.http import QuietHandler, serving

SECRET = Hidden("never-to-be-shown")


@contextmanager
def endpoint(status: int, answer: Any, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """A token endpoint that always answers so; its URL, and the forms that it was sent."""
    bodies: list[str] = []

    class Handler(QuietHandler):
        def posted(self) -> None:
            bodies.append(self.body().decode())
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.answer(status, body, **headers)

    with serving(Handler) as url:
        yield f"{url}/token", bodies


class Now:
    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


def test_a_token_is_used_for_four_fifths_of_its_life() -> None:
    now = Now()
    with endpoint(200, {"access_token": "abc", "expires_in": 100}) as (url, bodies):
        source = TokenEndpoint(url, "me", SECRET, "kafka", now)
        assert source.token().value == "abc"
        assert source.token().expires_at == 1_100.0
        now.s += 79
        source.token()
        assert len(bodies) == 1
        now.s += 1
        source.token()
        assert len(bodies) == 2
    assert bodies[0] == "grant_type=client_credentials&scope=kafka"


@pytest.mark.parametrize(
    ("status", "answer"),
    [(401, {}), (200, b"no JSON"), (200, []), (200, {"access_token": 7}), (200, {}), (500, b"")],
)
def test_an_endpoint_that_gives_no_token_is_named(status: int, answer: Any) -> None:
    with endpoint(status, answer) as (url, _):
        with pytest.raises(ConfigurationError) as caught:
            TokenEndpoint(url, "me", SECRET).token()
        assert "token" in str(caught.value)
        assert SECRET not in str(caught.value)


def test_the_client_secret_is_not_sent_to_a_redirect_target() -> None:
    with (
        endpoint(200, {"access_token": "abc"}) as (elsewhere, bodies),
        endpoint(307, {}, location=elsewhere) as (url, _),
    ):
        with pytest.raises(ConfigurationError):
            TokenEndpoint(url, "me", SECRET).token()
        assert not bodies


def test_the_client_secret_is_not_sent_over_plain_http() -> None:
    for url in ("http://tokens.example.org/", "ftp://127.0.0.1/", "file:///etc/passwd"):
        with pytest.raises(ConfigurationError, match="must be an https URL"):
            TokenEndpoint(url, "me", SECRET)


def test_a_token_file_is_read_each_time_and_a_jwt_s_expiry_is_used(tmp_path: Path) -> None:
    file = tmp_path / "token"
    claims = urlsafe_b64encode(b'{"exp": 4242}').decode().rstrip("=")
    file.write_text(f"head.{claims}.sign\n")
    source = TokenFile(file, Now())
    assert source.token().expires_at == 4242.0
    for text in ("opaque", "a.b.c", "a.!!.c", "a.W10.c"):
        file.write_text(text)
        assert source.token().value == text
        assert source.token().expires_at == 1_300.0
        assert asyncio.run(AsyncTokens(source).token()) == text


class _Scripted:
    """A source of the next token, or of its fault."""

    def __init__(self, *script: Token | ConfigurationError) -> None:
        self._script = iter(script)

    def token(self) -> Token:
        each = next(self._script)
        if isinstance(each, ConfigurationError):
            raise each
        return each


def test_librdkafka_keeps_its_token_while_there_is_no_new_one() -> None:
    away = ConfigurationError("the token endpoint is away")
    first = Token(value=Hidden("first"), expires_at=100.0)
    second = Token(value=Hidden("second"), expires_at=300.0)
    now = 50.0
    tokens = LibrdkafkaTokens(_Scripted(first, away, away, second), lambda: now)

    assert tokens("") == ("first", 100.0)
    assert tokens("") == ("first", 100.0)
    now = 200.0
    assert tokens("") == ("first", now + RETRY_S)
    assert tokens("") == ("second", 300.0)


def test_librdkafka_without_any_token_names_the_cause() -> None:
    tokens = LibrdkafkaTokens(_Scripted(ConfigurationError("no file")))

    with pytest.raises(ConfigurationError, match="no file"):
        tokens("")
