"""The requirements of the deploying machine: programs and a package."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from infra.doctor.finding import Check, Finding, NotAskedError, missing, ok
from infra.doctor.rest import PATIENCE_SECONDS
from settings import REPOSITORY

Version = tuple[int, ...]


@dataclass(frozen=True)
class Tool:
    name: str
    page: str
    requirement: str = ""
    allowed: Callable[[Version], bool] = lambda _: True


TOOLS = (
    Tool(
        "terraform",
        "https://developer.hashicorp.com/terraform/install",
        "1.8 or newer",
        lambda version: version >= (1, 8),
    ),
    Tool(
        "node", "https://nodejs.org/en/download", "20 or 22", lambda version: version[0] in (20, 22)
    ),
    Tool("npm", "https://nodejs.org/en/download"),
    Tool("git", "https://git-scm.com/downloads"),
    Tool("gcloud", "https://cloud.google.com/sdk/docs/install"),
)


def checks() -> list[Check]:
    return [*(Check.of(tool.name, version, tool=tool) for tool in TOOLS), Check("cdktf", cdktf)]


def version(subject: str, *, tool: Tool) -> Finding:
    result = run(tool.name, "--version")
    requirement = f" {tool.requirement}" if tool.requirement else ""
    install = f"install {tool.name}{requirement}: {tool.page}"
    if result is None:
        return missing(subject, "is not on the PATH", install)
    match = re.search(r"\d+(\.\d+)+", result.stdout)
    if result.returncode or not match:
        return missing(subject, f"does not tell its version: {last_line(result.stderr)}", install)
    numbers = tuple(map(int, match[0].split(".")))
    if not tool.allowed(numbers):
        return missing(subject, f"is {match[0]}, allowed is {tool.requirement}", install)
    return ok(subject, match[0])


def cdktf(subject: str) -> Finding:
    package = json.loads((REPOSITORY / "package.json").read_text())
    required_version = package["dependencies"]["cdktf-cli"]
    installed_package = REPOSITORY / "node_modules/cdktf-cli/package.json"
    try:
        installed_version = json.loads(installed_package.read_text())["version"]
    except (OSError, ValueError):
        installed_version = None
    if installed_version != required_version:
        state = (
            f"is {installed_version} under node_modules, package.json wants {required_version}"
            if installed_version
            else "is not under node_modules"
        )
        return missing(subject, state, "make --always-make node_modules")
    return ok(subject, str(installed_version))


def run(program: str, *options: str) -> subprocess.CompletedProcess[str] | None:
    """Run the program as the caller's shell would find it, or return None.

    None stands for a program that the shell would not find.
    """
    prefix = [] if shutil.which(program) else _outside()
    if not prefix and shutil.which(program) is None:
        return None
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    try:
        result = subprocess.run(
            [*prefix, program, *options],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise NotAskedError(f"{program} did not answer within {PATIENCE_SECONDS} s") from None
    # What nsenter ends with where there is no such program.
    return None if prefix and result.returncode == 127 else result


def _outside() -> list[str]:
    """Return the command prefix to the caller's machine.

    On an older Debian build/environment puts another /usr over the machine's.
    """
    parent = os.getppid()
    if shutil.which("nsenter") is None:
        return []
    try:
        same = os.readlink(f"/proc/{parent}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        return []
    return [] if same else ["nsenter", f"--target={parent}", "--mount"]


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"
