"""A user that no HTTP header can have is a named error."""

from __future__ import annotations

import pytest

from schemas.errors import ConfigurationError
from sinks.clickhouse.connection import connect
from sinks.settings import SinkSettings


@pytest.mark.parametrize(
    "settings",
    [
        {"clickhouse_url": "http://me%0Ax:pw@127.0.0.1:1"},
        {"clickhouse_url": "http://127.0.0.1:1", "clickhouse_user": "me\r\nx-evil: 1"},
    ],
)
def test_a_line_break_in_the_user_is_refused_by_name(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_CLICKHOUSE_USER"):
        connect(SinkSettings(**settings))
