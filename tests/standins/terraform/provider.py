"""The google provider of a test's Terraform, and the limits of its proof.

It is the real one where that can be had, else the stand-in.
"""

import os
import platform
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from settings import REPOSITORY

REGISTRY = "https://registry.terraform.io/.well-known/terraform.json"
VERSION = "6.50.0"
IN_MIRROR = f"registry.terraform.io/hashicorp/google/{VERSION}"
LAUNCHER = """#!/bin/sh
export PYTHONPATH={repository} XDG_CACHE_HOME={cache}
exec {repository}/build/environment provider-standin python -m tests.standins.terraform.plugin "$@"
"""


@dataclass(frozen=True)
class Provider:
    kind: str  # "real" or "stand-in"
    plugin_dir: Path | None  # for terraform init -plugin-dir; None where the registry answers
    does_not_prove: str

    def init(self) -> list[str]:
        """The arguments of terraform init."""
        arguments = ["init", "-input=false"]
        if self.plugin_dir:
            arguments.append(f"-plugin-dir={self.plugin_dir}")
        return arguments


def real(mirror: Path | None) -> Provider:
    return Provider("real", mirror, "permissions, quotas and propagation delays")


def choose(directory: Path) -> Provider:
    """The provider to test with; a mirror with the stand-in is written into `directory`."""
    if variable := os.environ.get("TF_PROVIDER_MIRROR"):
        mirror = Path(variable)
        if not (held(mirror) and mirror.is_absolute()):
            raise ValueError(
                "TF_PROVIDER_MIRROR must be the absolute path of a Terraform mirror that holds "
                f"{IN_MIRROR}/{system()}, got {variable}"
            )
        return real(mirror)
    if answers(REGISTRY):
        return real(None)
    return stand_in(directory)


def stand_in(directory: Path) -> Provider:
    platform_directory = directory / IN_MIRROR / system()
    write_launcher(platform_directory)
    missing = (
        "values the real provider would refuse, changes that replace a resource, and an empty "
        "second plan of the real provider"
    )
    return Provider("stand-in", directory, missing)


def system() -> str:
    machine = platform.machine()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"{sys.platform}_{architecture}"


def held(mirror: Path) -> bool:
    """Whether a mirror holds the provider, unpacked or packed."""
    unpacked = mirror.glob(f"{IN_MIRROR}/{system()}/terraform-provider-google_v{VERSION}*")
    if any(unpacked):
        return True
    versions = (mirror / IN_MIRROR).parent
    packed = versions / f"terraform-provider-google_{VERSION}_{system()}.zip"
    return packed.exists()


def answers(url: str, seconds: float = 3) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=seconds) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


def write_launcher(directory: Path) -> None:
    """A provider's program: it runs the stand-in in its own venv.

    The venv is made here, so that Terraform need not wait for it.
    """
    subprocess.run(
        [REPOSITORY / "build" / "environment", "provider-standin", "python", "-c", "import tf"],
        check=True,
        timeout=600,
    )
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory.mkdir(parents=True, exist_ok=True)
    launcher = directory / f"terraform-provider-google_v{VERSION}"
    script = LAUNCHER.format(repository=REPOSITORY, cache=cache)
    launcher.write_text(script)
    launcher.chmod(0o755)
