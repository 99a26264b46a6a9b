"""The requirements of the deploying machine: programs and a package."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from infra.doctor.finding import Check, Finding, NotAskedError, missing, ok
from infra.doctor.rest import PATIENCE_SECONDS
from settings import REPOSITORY

NO_PROGRAM = 127  # what nsenter ends with where there is none
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
    programs = [Check.of(tool.name, version, tool=tool) for tool in TOOLS]
    return [*programs, Check("cdktf", cdktf), Check("image digests", pinned)]


def version(subject: str, *, tool: Tool) -> Finding:
    result = run(tool.name, "--version")
    requirement = f" {tool.requirement}" if tool.requirement else ""
    install = f"install {tool.name}{requirement}: {tool.page}"
    if result is None:
        return missing(subject, "is not on the PATH", install)
    match = re.search(r"\d+(\.\d+)+", result.stdout)
    if result.returncode or not match:
        reason = last_line(result.stderr)
        return missing(subject, f"does not tell its version: {reason}", install)
    installed_version = match[0]
    numbers = tuple(int(part) for part in installed_version.split("."))
    if not tool.allowed(numbers):
        mismatch = f"is {installed_version}, allowed is {tool.requirement}"
        return missing(subject, mismatch, install)
    return ok(subject, installed_version)


def cdktf(subject: str) -> Finding:
    text = (REPOSITORY / "package.json").read_text(encoding="utf-8")
    package = json.loads(text)
    required_version = package["dependencies"]["cdktf-cli"]
    installed_version = _installed_version("cdktf-cli")
    if installed_version == required_version:
        return ok(subject, str(installed_version))
    state = "is not under node_modules"
    if installed_version:
        state = f"is {installed_version} under node_modules, package.json wants {required_version}"
    return missing(subject, state, "make --always-make node_modules")


def pinned(subject: str) -> Finding:
    """Say whether each image of others in the recipes is named by digest: a tag moves."""
    command = [sys.executable, str(REPOSITORY / "build/pins"), "--check"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    lines = result.stdout.splitlines()
    if lines:
        names = ", ".join(line.partition(" is named")[0] for line in lines)
        return missing(subject, f"are missing: {names}", "make pins")
    if result.returncode:
        raise NotAskedError(f"build/pins fails: {last_line(result.stderr)}")
    return ok(subject, "are in every recipe")


def _installed_version(package: str) -> str | None:
    try:
        text = (REPOSITORY / "node_modules" / package / "package.json").read_text(encoding="utf-8")
        description = json.loads(text)
    except (OSError, ValueError):
        return None
    version: str = description["version"]
    return version


def run(program: str, *options: str) -> subprocess.CompletedProcess[str] | None:
    """Run the program as the caller's shell would find it, or return None if it finds none."""
    prefix: list[str] = []
    if shutil.which(program) is None:
        prefix = _outside()
        if not prefix:
            return None
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    try:
        result = subprocess.run(
            [*prefix, program, *options],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise NotAskedError(f"{program} did not answer within {PATIENCE_SECONDS} s") from None
    if prefix and result.returncode == NO_PROGRAM:
        return None
    return result


def _outside() -> list[str]:
    """Return the command prefix to the caller's machine.

    On an older Debian build/environment puts another /usr over the machine's.
    """
    parent = os.getppid()
    if shutil.which("nsenter") is None:
        return []
    try:
        callers_mounts = os.readlink(f"/proc/{parent}/ns/mnt")
        own_mounts = os.readlink("/proc/self/ns/mnt")
    except OSError:
        return []
    if callers_mounts == own_mounts:
        return []
    return ["nsenter", f"--target={parent}", "--mount"]


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    if not lines:
        return "it says nothing"
    return lines[-1].strip()
