"""Source trees with an environment of their own: this one, and one of a named commit.

Trees of commits are git worktrees below `.sluice/bench`, by hash, and are used again.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import SluiceError

CACHE = Path(".sluice/bench")
_SETUP_S = 900.0
_GIT_S = 60.0


class BenchError(SluiceError):
    """A measurement cannot be made; the message says what to do."""


class UnknownCommitError(BenchError):
    """The name is no commit of this repository."""


class DirtyWorktreeError(BenchError):
    """The worktree of a base commit was changed, so it is not that commit any more."""


class SetupFailedError(BenchError):
    """`make setup` of a base commit failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A source tree; `name` is its commit, with `+` if files differ from it."""

    root: Path
    name: str

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"


def this_tree() -> Tree:
    """The tree that this code is part of."""
    root = Path(__file__).parents[2]
    try:
        name = _git(root, "rev-parse", "--short", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (subprocess.CalledProcessError, OSError):
        return Tree(root=root, name="this tree")
    return Tree(root=root, name=name + ("+" if changed else ""))


def commit_tree(named: str, repository: Path) -> Tree:
    """The tree of a commit, made and set up if it is not there.

    Raises:
        UnknownCommitError: the repository has no such commit.
        DirtyWorktreeError: tracked files of its worktree were changed.
        SetupFailedError: its environment cannot be made.
    """
    digest = _digest(named, repository)
    root = (repository / CACHE / digest).resolve()
    if not (root / ".git").exists():
        _add_worktree(repository, root, digest)
    if _git(root, "rev-parse", "HEAD") != digest or _git(root, "status", "--porcelain"):
        raise DirtyWorktreeError(f"{root} is not {digest[:9]} as committed; remove that folder")
    _set_up(root)
    return Tree(root=root, name=digest[:9])


def _digest(named: str, repository: Path) -> str:
    try:
        return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options",
                    named + "^{commit}")  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise UnknownCommitError(
            f"{named!r} is no commit of {repository}; name one: make bench-compare BASE=COMMIT"
        ) from error
    except OSError as error:
        raise UnknownCommitError(f"cannot run git to find {named!r}: {error}") from error


def _add_worktree(repository: Path, root: Path, digest: str) -> None:
    if root.exists():
        raise DirtyWorktreeError(f"{root} is no git worktree; remove that folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    try:
        _git(repository, "worktree", "add", "--force", "--detach", str(root), digest)
    except subprocess.CalledProcessError as error:
        raise SetupFailedError(f"git worktree add failed: {error.stderr.strip()}") from error


def _set_up(root: Path) -> None:
    try:
        done = subprocess.run(
            ["make", "--no-print-directory", "setup", f"PYTHON={sys.executable}"],
            cwd=root,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SETUP_S,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise SetupFailedError(f"make setup in {root} failed: {error}") from error
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise SetupFailedError(f"make setup in {root} failed:\n{last}")


def _git(folder: Path, *command: str) -> str:
    done = subprocess.run(
        ["git", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_GIT_S,
        check=True,
    )
    return done.stdout.strip()
