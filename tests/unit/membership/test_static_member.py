"""A worker's name is exclusive while its process runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import ConfigurationError
from streams.membership.static_member import NameTakenError, anonymous_member, lock_name


def test_a_name_is_held_once_and_is_free_again_afterwards(tmp_path: Path) -> None:
    with lock_name(tmp_path, "worker-1") as member:
        assert member.instance_id == "worker-1"
        with pytest.raises(NameTakenError, match="worker-1 is running already"):
            lock_name(tmp_path, "worker-1")
        with lock_name(tmp_path, "worker-2") as other:
            assert other.worker == "worker-2"
    with lock_name(tmp_path, "worker-1"):
        pass


def test_a_name_that_no_group_instance_may_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_WORKER_INSTANCE"):
        lock_name(tmp_path, "../elsewhere")


def test_a_worker_without_a_name_has_no_static_membership() -> None:
    one, two = anonymous_member("a" * 32), anonymous_member("b" * 32)

    assert one.instance_id is None
    assert one.worker != two.worker
