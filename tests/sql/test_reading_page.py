"""The queries that the page for readers shows can be run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

PAGE = Path(__file__).parents[2] / "docs" / "reading.md"
BLOCKS = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
QUERIES = [query.strip() for block in BLOCKS for query in block.split(";\n") if query.strip()]


def test_the_page_has_queries() -> None:
    assert len(QUERIES) >= 3


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0][3:40])
def test_a_query_of_the_page_runs(tables: Client, query: str) -> None:
    tables.query(query)
