"""The venvs of the servers: the locked one, and one for each peer."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from settings import REPOSITORY

VENV = [str(REPOSITORY / "build/environment"), "pipeline"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "esteira"
# As each peer's documentation has it installed.
REQUIREMENTS = {
    "routines": ("google-cloud-aiplatform[prediction]==1.165.1", "tensorflow-cpu==2.21.0"),
    "fastapi": ("fastapi==0.124.4", "uvicorn[standard]==0.54.0", "tensorflow-cpu==2.21.0"),
}


def prepare() -> None:
    """Make the peers' venvs, each at its first use."""
    for peer, packages in REQUIREMENTS.items():
        venv = venv_of(peer)
        ready = venv / ".ready"
        if ready.exists():
            continue
        print(f"preparing the venv of {peer}, once, in {venv} ...", file=sys.stderr, flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        run(peer, ["python", "-m", "venv", str(venv)])
        run(peer, [python(peer), "-m", "pip", "install", "--quiet", *packages])
        ready.touch()


def run(peer: str, command: list[str]) -> None:
    process = subprocess.run([*VENV, *command], capture_output=True, text=True)
    if process.returncode:
        lines = process.stderr.strip().splitlines() or ["no message"]
        raise SystemExit(f"the venv of {peer} cannot be made: {lines[-1]}")


def venv_of(peer: str) -> Path:
    packages = "\n".join(REQUIREMENTS[peer])
    digest = hashlib.sha256(packages.encode()).hexdigest()
    return CACHE / f"peer-{peer}-{digest[:12]}"


def python(peer: str) -> str:
    return str(venv_of(peer) / "bin/python")
