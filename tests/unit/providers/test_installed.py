"""Providers are found by entry point: the built-in ones, and those that a package adds."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from schemas.errors import ConfigurationError
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.installed import GROUP, open_providers
from streams.providers.port import Completion, Endpoint
from tests.unit.providers.world import chat, run

KEYS, HOSTS = KeyRing(), HostPolicy()

PACKAGE = """
from streams.providers.in_memory_provider import ScriptedProvider, text_answer

def parrot(keys, hosts):
    return ScriptedProvider(
        lambda call, endpoint: text_answer(call.body["messages"][-1]["content"])
    )
"""


def _install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str, module: str = PACKAGE
) -> None:
    """A package on the path, as an installer leaves it."""
    (folder / "parrot_models.py").write_text(module)
    info = folder / "parrot_models-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "parrot_models", raising=False)
    importlib.invalidate_caches()


def test_both_formats_are_installed() -> None:
    assert {"openai", "anthropic"} <= set(open_providers(KEYS, HOSTS))


def test_a_package_adds_a_provider_without_a_change_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, monkeypatch, "parrot = parrot_models:parrot")

    provider = open_providers(KEYS, HOSTS, ["parrot"])["parrot"]

    async def case() -> Completion:
        return await provider.complete(chat("any"), Endpoint(name="a", base_url="http://a"))

    assert run(case()).message["content"] == "Hi"


def test_only_named_providers_are_opened() -> None:
    assert list(open_providers(KEYS, HOSTS, ["anthropic"])) == ["anthropic"]


def test_a_provider_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no provider named gone; .*openai"):
        open_providers(KEYS, HOSTS, ["gone"])


@pytest.mark.parametrize("lines", ["lost = no_such_module:x", "lost = parrot_models:absent"])
def test_a_provider_that_can_t_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    _install(tmp_path, monkeypatch, lines)
    with pytest.raises(ConfigurationError, match="cannot load provider lost"):
        open_providers(KEYS, HOSTS, ["lost"])
