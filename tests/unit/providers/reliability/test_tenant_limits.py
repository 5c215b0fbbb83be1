"""Limits are per tenant, bounded in memory, and shared by owned partitions."""

from __future__ import annotations

from streams.providers.reliability.tenant_limits import TenantLimits
from streams.routing.snapshot import Limits

SIXTY = Limits(requests_per_minute=60)
TWO = Limits(concurrency=2)


def test_a_tenant_over_its_limit_does_not_block_another() -> None:
    tenants = TenantLimits()
    for tenant in ("loud", "calm"):
        tenants.why_not(tenant, SIXTY, 0.0)
    assert tenants.why_not("loud", SIXTY, 1_000.0) is None
    tenants.begin("loud", SIXTY, counts=True)
    while tenants.why_not("loud", SIXTY, 1_000.0) is None:
        tenants.begin("loud", SIXTY, counts=True)

    assert tenants.why_not("loud", SIXTY, 1_000.0) == (
        "tenant loud: the limit of requests per minute is exhausted"
    )
    assert tenants.why_not("calm", SIXTY, 1_000.0) is None


def test_a_later_hop_of_a_request_counts_no_request() -> None:
    tenants = TenantLimits()
    tenants.why_not("a", SIXTY, 0.0)
    tenants.why_not("a", SIXTY, 1_000.0)
    for _ in range(5):
        tenants.begin("a", SIXTY, counts=False)

    assert tenants.why_not("a", SIXTY, 1_000.0) is None


def test_concurrency_is_limited_and_released() -> None:
    tenants = TenantLimits()
    for _ in range(2):
        tenants.begin("a", TWO, counts=True)

    assert tenants.why_not("a", TWO, 0.0) == "tenant a: the concurrency limit of 2 is reached"
    tenants.end("a", TWO)
    assert tenants.why_not("a", TWO, 0.0) is None


def test_a_tenant_without_limits_costs_no_memory() -> None:
    tenants = TenantLimits(most=1)
    for number in range(5):
        tenants.begin(f"t{number}", None, counts=True)
        assert tenants.why_not(f"t{number}", None, 0.0) is None
        tenants.end(f"t{number}", None)


def test_the_longest_idle_tenant_is_evicted_and_an_active_one_is_not() -> None:
    tenants = TenantLimits(most=2)
    tenants.begin("busy", TWO, counts=True)
    tenants.begin("busy", TWO, counts=True)
    for number in range(50):
        tenants.why_not(f"t{number}", TWO, 0.0)

    assert tenants.why_not("busy", TWO, 0.0) is not None
