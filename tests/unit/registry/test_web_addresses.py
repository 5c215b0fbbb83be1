"""A URL that passes the registry's check can be called; one that can't is refused at the check."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.registry.document.web_addresses import checked_address

GOOD = [
    "https://api.openai.com/v1",
    "http://127.0.0.1:8089/v1",
    "http://localhost",
    "https://[2001:db8::7]:8443/x?y=z",
    "https://my_host-1.example.:443/",
    "https://xn--bcher-kva.example/",
]
BAD = [
    "https://[::1",
    "https://h:99999999/",
    "https://h:0/",
    "https://h:x/",
    "https://h:80:90/",
    "https://..",
    "https://-",
    "https://%zz/",
    "https://xn--/",
    "https:///x",
    "https://" + "a" * 300,
    "https://a@b/",
    "https://h\\@e/",
    "http://\x00/",
    "ftp://h/",
    "//h/",
    "h",
    "",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_url_that_can_be_called_passes(text: str) -> None:
    assert checked_address(text) == text


@pytest.mark.parametrize("text", BAD)
def test_a_url_that_can_not_be_called_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|is not a URL|has no"):
        checked_address(text)


@given(st.text(max_size=40).map("https://{}".format) | st.text(max_size=20))
def test_valid_addresses_build_a_request(text: str) -> None:
    try:
        checked_address(text)
    except ValueError:
        return
    request = httpx.Request("POST", text)
    assert request.url.host
    assert not request.url.userinfo
