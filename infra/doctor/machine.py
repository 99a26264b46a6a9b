"""What must be installed on the machine that deploys."""

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
    wanted: str = ""
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
    done = run(tool.name, "--version")
    install = f"install {tool.name}{' ' * bool(tool.wanted)}{tool.wanted}: {tool.page}"
    if done is None:
        return missing(subject, "is not on the PATH", install)
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    if done.returncode or not found:
        return missing(subject, f"does not tell its version: {last_line(done.stderr)}", install)
    if not tool.allowed(tuple(map(int, found[0].split(".")))):
        return missing(subject, f"is {found[0]}, allowed is {tool.wanted}", install)
    return ok(subject, found[0])


def cdktf(subject: str) -> Finding:
    wanted = json.loads((REPOSITORY / "package.json").read_text())["dependencies"]["cdktf-cli"]
    try:
        found = json.loads((REPOSITORY / "node_modules/cdktf-cli/package.json").read_text())[
            "version"
        ]
    except (OSError, ValueError):
        found = None
    if found != wanted:
        state = (
            f"is {found} under node_modules, package.json wants {wanted}"
            if found
            else "is not under node_modules"
        )
        return missing(subject, state, "make --always-make node_modules")
    return ok(subject, str(found))


def run(program: str, *options: str) -> subprocess.CompletedProcess[str] | None:
    """The program as the caller's shell would find it; None where it wouldn't."""
    outside = [] if shutil.which(program) else _outside()
    if not outside and shutil.which(program) is None:
        return None
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    try:
        done = subprocess.run(
            [*outside, program, *options],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise NotAskedError(f"{program} did not answer within {PATIENCE_SECONDS} s") from None
    return (
        None if outside and done.returncode == 127 else done
    )  # what nsenter ends with where there is no such program


def _outside() -> list[str]:
    """The command prefix to where we were called from: on an older Debian build/environment puts another /usr over the machine's."""
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
