"""A registry version is compared with the workers' published permissions, model by model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from infra.devstack.registry import local_registry
from infra.workers.readiness import REFUSE, WARN, ReadinessFinding, readiness
from schemas.worker_status import WorkerStatus
from streams.providers.http.operator_policy import HostPolicy
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import parse_registry

BASE: dict[str, Any] = yaml.safe_load(local_registry("http://127.0.0.1:1"))
TIERS = ("simple", "moderate", "complex")


def _worker(name: str = "worker-1", **other: Any) -> WorkerStatus:
    fields = {
        "providers": ("anthropic", "openai"),
        "hosts": HostPolicy.from_patterns(None).patterns,
        "key_patterns": ("*_API_KEY",),
        "keys": ("OPENAI_API_KEY",),
        "tiers": TIERS,
    }
    return WorkerStatus(worker=name, incarnation="1", **(fields | other))


def _found(
    change: Callable[[dict[str, Any]], None], *workers: WorkerStatus, **other: Any
) -> list[ReadinessFinding]:
    document = yaml.safe_load(yaml.safe_dump(BASE))
    change(document)
    version = parse_registry(yaml.safe_dump(document))
    return readiness(version.snapshot, workers or [_worker()], PriceBook(), **other)


def _instance(document: dict[str, Any], model: str = "gpt-4o") -> dict[str, Any]:
    found: dict[str, Any] = document["models"][model]["instances"][0]
    return found


def test_a_version_that_every_worker_can_serve_has_no_findings() -> None:
    assert _found(lambda _: None) == []


def _provider(document: dict[str, Any]) -> None:
    document["models"]["gpt-4o"]["provider"] = "bedrock"


def _host(document: dict[str, Any]) -> None:
    _instance(document)["base_url"] = "https://llm.corp/v1"


def _link_local(document: dict[str, Any]) -> None:
    _instance(document)["base_url"] = "http://169.254.169.254/v1"


def _plain_http(document: dict[str, Any]) -> None:
    _instance(document)["base_url"] = "http://api.openai.com/v1"


def _key_name(document: dict[str, Any]) -> None:
    _instance(document)["api_key_env"] = "AWS_SECRET"


def _key_unset(document: dict[str, Any]) -> None:
    _instance(document)["api_key_env"] = "MISTRAL_API_KEY"


USELESS = {
    "a provider that is not installed": (_provider, "models.gpt-4o.provider", "not installed"),
    "a host that is not allowed": (_host, "models.gpt-4o.instances.0", "SLUICE_ALLOWED_HOSTS"),
    "an address of the cloud": (_link_local, "models.gpt-4o.instances.0", "link-local"),
    "http to the public": (_plain_http, "models.gpt-4o.instances.0", "http://api.openai.com"),
    "a key that is not allowed": (_key_name, "models.gpt-4o.instances.0", "SLUICE_ALLOWED_KEYS"),
    "a key that is not set": (_key_unset, "models.gpt-4o.instances.0", "SLUICE_SECRETS_DIR"),
}


@pytest.mark.parametrize("kind", USELESS)
def test_a_model_that_no_worker_could_call_is_refused(kind: str) -> None:
    change, path, message = USELESS[kind]

    found = [each for each in _found(change) if not each.path.endswith(".price")]

    (finding,) = found
    assert finding.severity == REFUSE
    assert finding.path.startswith(path)
    assert message in finding.message
    assert finding.workers == ()


def test_a_version_that_some_workers_can_serve_is_a_warning_that_names_the_others() -> None:
    (finding,) = _found(_key_unset, _worker("a", keys=("MISTRAL_API_KEY",)), _worker("b"))

    assert (finding.severity, finding.workers) == (WARN, ("b",))
    assert finding.in_words().endswith("(b)")


def test_a_model_with_one_instance_that_works_is_a_warning() -> None:
    def change(document: dict[str, Any]) -> None:
        instances = document["models"]["gpt-4o"]["instances"]
        instances.append({"name": "azure", "base_url": "https://llm.corp/v1"})

    (finding,) = _found(change)

    assert (finding.severity, finding.path) == (WARN, "models.gpt-4o.instances.1 (azure)")


def test_an_unknown_price_is_a_warning() -> None:
    def change(document: dict[str, Any]) -> None:
        document["models"]["gpt-4o"]["model"] = "of-my-own"

    (finding,) = _found(change)

    assert (finding.severity, finding.path) == (WARN, "models.gpt-4o.price")


def test_a_webhook_that_may_not_be_called_is_a_warning() -> None:
    def change(document: dict[str, Any]) -> None:
        document["alerts"] = {"webhooks": [{"url": "https://hooks.corp/x"}]}

    (finding,) = _found(change)

    assert (finding.severity, finding.path) == (WARN, "alerts.webhooks.0")


def test_workers_of_other_tiers_are_named_with_the_way_out() -> None:
    (finding,) = _found(lambda _: None, _worker(tiers=("small", "large")))

    assert finding.path == "tiers"
    assert "small, large" in finding.message
    assert "sluice topics create" in finding.message


def test_nothing_is_rejected_without_a_running_worker() -> None:
    found = _found(_host, _worker("this machine"), binding=False)

    assert [each.severity for each in found] == [WARN]
