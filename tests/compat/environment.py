"""The environment of the suites and clients: .venv-compat, the SDKs' sdists, packages of npm."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VENV = ROOT / ".venv-compat"
PYTHON = VENV / "bin" / "python"
NODE_FOLDER = VENV / "node"
REQUIREMENTS = HERE / "requirements.txt"
NODE_PACKAGES = HERE / "clients" / "package.json"

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)$", re.MULTILINE)
_SETUP_S = 600


def pinned_versions() -> dict[str, str]:
    """The versions of the Python packages."""
    return dict(_PIN.findall(REQUIREMENTS.read_text()))


def sdist_of(package: str) -> Path:
    """The folder with a package's source distribution, downloaded once."""
    name = f"{package}-{pinned_versions()[package]}"
    folder = VENV / "sdists"
    if not (folder / name).is_dir():
        command = [
            *(str(PYTHON), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-binary", package, "--dest", str(folder)),
            name.replace(f"{package}-", f"{package}=="),
        ]
        subprocess.run(command, check=True, timeout=_SETUP_S)
        with tarfile.open(folder / f"{name}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return folder / name


def node_problem() -> str:
    """Install the packages of npm; returns why they cannot run, or nothing."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "node and npm are not installed"
    NODE_FOLDER.mkdir(exist_ok=True)
    installed = NODE_FOLDER / "package.json"
    wanted = NODE_PACKAGES.read_text()
    if not installed.is_file() or installed.read_text() != wanted:
        (NODE_FOLDER / "package.json").write_text(wanted)
        command = [npm, "install", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(command, cwd=NODE_FOLDER, timeout=_SETUP_S, check=False)
        if done.returncode:
            installed.unlink()
            return "npm install failed"
    for script in NODE_PACKAGES.parent.glob("*.mjs"):
        shutil.copy(script, NODE_FOLDER)
    return ""
