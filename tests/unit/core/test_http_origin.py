"""Requests of web pages are distinguished from those of commands, probes and scrapers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.http_origin import refusal

SERVED = [
    ("127.0.0.1", "127.0.0.1:8089", None),
    ("127.0.0.1", "localhost:8089", None),
    ("::1", "[::1]:8089", None),
    ("127.0.0.1", None, None),
    ("10.0.0.7", "10.0.0.7:9000", None),
    ("10.0.0.7", "worker-1.sluice:9000", None),
    ("127.0.0.1", "localhost:8089", "http://localhost:8089"),
]
REFUSED = [
    ("127.0.0.1", "127.0.0.1:8089", "http://page.example"),
    ("127.0.0.1", "127.0.0.1:8089", "null"),
    ("127.0.0.1", "page.example:8089", None),
    ("127.0.0.1", "page.example:8089", "http://page.example:8089"),
    ("127.0.0.1", "127.0.0.1.page.example", None),
    ("127.0.0.1", "[::1", None),
    ("10.0.0.7", "10.0.0.7:9000", "http://page.example"),
    ("10.0.0.7", None, "http://page.example"),
]


@pytest.mark.parametrize(("local", "host", "origin"), SERVED)
def test_requests_from_outside_a_browser_are_served(
    local: str, host: str | None, origin: str | None
) -> None:
    assert refusal(local, host, origin) is None


@pytest.mark.parametrize(("local", "host", "origin"), REFUSED)
def test_requests_of_foreign_web_pages_are_rejected(
    local: str, host: str | None, origin: str | None
) -> None:
    assert refusal(local, host, origin)


@given(st.text(max_size=30), st.none() | st.text(max_size=30), st.none() | st.text(max_size=30))
def test_any_headers_are_served_or_refused(
    local: str, host: str | None, origin: str | None
) -> None:
    refusal(local, host, origin)
