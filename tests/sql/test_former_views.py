"""Views are also readable under the names that they had before migration 019."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

RANGE = "(since = '2000-01-01 00:00:00', until = '2100-01-01 00:00:00')"


@pytest.mark.parametrize(
    ("former", "view"),
    [
        ("climbs", "escalations"),
        (f"ends_by_hour{RANGE}", f"outcomes_hourly{RANGE}"),
        (f"spend_by_payer{RANGE}", f"spend_by_subject{RANGE}"),
    ],
)
def test_a_view_has_the_same_columns_under_its_former_name(
    former: str, view: str, tables: Client
) -> None:
    columns = [
        tables.query(f"DESCRIBE (SELECT * FROM {each})").result_rows for each in (former, view)
    ]

    assert columns[0] == columns[1]
    assert tables.query(f"SELECT count() FROM {former}").result_rows == [(0,)]
