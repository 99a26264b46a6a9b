"""Call Terraform for one synthesized stack, and say its known failures in a sentence."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

STATE_SERVER = "https://storage.googleapis.com"
PATIENCE_SECONDS = 5
Document = dict[str, Any]  # JSON of Terraform's


class TerraformError(Exception):
    """One sentence for the user.

    `output` is what Terraform itself said, where the sentence does not hold all of it.
    """

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.output = output


@dataclass(frozen=True)
class Stack:
    """One synthesized stack: its name, and its folder with cdk.tf.json."""

    name: str
    folder: Path

    def init(self, *options: str) -> None:
        need_state_server()
        # The lock file beside the stack is a copy. It names the provider's archives, and Terraform
        # adds the hash of the unpacked provider that it checks at each plan: with
        # -lockfile=readonly it would not (github.com/hashicorp/terraform/issues/31435).
        self._terraform("init", "-input=false", *options, quiet=True)

    def plan(self, to: Path, *options: str) -> None:
        """Write the plan to the file `to`."""
        self._terraform("plan", "-input=false", f"-out={to}", *options, quiet=True)

    def text(self, plan: Path) -> str:
        """The plan as people read it."""
        return self._terraform("show", "-no-color", str(plan), quiet=True)

    def show(self, plan: Path) -> Document:
        text = self._terraform("show", "-json", str(plan), quiet=True)
        document: Document = json.loads(text)
        return document

    def apply(self, plan: Path) -> None:
        self._terraform("apply", "-input=false", str(plan))

    def destroy(self) -> None:
        self._terraform("destroy", "-input=false", "-auto-approve")

    def configuration(self) -> Document:
        """The JSON of CDKTF's synth."""
        text = (self.folder / "cdk.tf.json").read_text(encoding="utf-8")
        document: Document = json.loads(text)
        return document

    @property
    def state_bucket(self) -> str:
        """The bucket that its synthesized backend names."""
        backend = self.configuration()["terraform"]["backend"]
        bucket: str = backend["gcs"]["bucket"]
        return bucket

    def outputs(self) -> dict[str, tuple[str, str]]:
        """Name -> (value, description).

        The description is the configuration's, since the state keeps none.
        """
        blocks = self.configuration().get("output", {})
        descriptions = {name: block.get("description", "") for name, block in blocks.items()}
        text = self._terraform("output", "-json", quiet=True)
        outputs: Document = json.loads(text)
        return {
            name: (str(output["value"]), descriptions.get(name, ""))
            for name, output in outputs.items()
        }

    def in_state(self) -> list[str]:
        """The addresses in the state; none before there is a state."""
        try:
            text = self._terraform("state", "list", quiet=True)
        except TerraformError as error:
            if "No state file was found" in error.output:
                return []
            raise
        return text.split()

    def take_in(self, address: str, id_: str) -> None:
        """Import an existing resource."""
        self._terraform("import", "-input=false", address, id_, quiet=True)

    def _terraform(self, verb: str, *options: str, quiet: bool = False) -> str:
        program = shutil.which("terraform")
        if program is None:
            raise TerraformError(
                "there is no terraform on the PATH: install 1.8 or newer, "
                "https://developer.hashicorp.com/terraform/install"
            )
        command = [program, f"-chdir={self.folder}", verb, *options]
        code, out, err = _call(command, quiet)
        if code:
            sentence = _sentence(self, verb, err)
            output = "" if _known(err) else err
            raise TerraformError(sentence, output)
        return out


def _call(command: list[str], quiet: bool) -> tuple[int, str, str]:
    """Run the command to its end, even when a signal comes.

    Terraform then finishes what it is at, writes its state and lets go of the lock.
    """
    out = subprocess.PIPE if quiet else None
    # In a process group of its own: a second interrupt would make Terraform give up its state, and
    # the terminal sends one to all.
    child = subprocess.Popen(
        command,
        stdout=out,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=_environment(),
        process_group=0,
    )
    interrupted = False

    def pass_on(*_: object) -> None:
        nonlocal interrupted
        if not interrupted:
            say(["interrupted: Terraform ends what it is at and writes its state ..."])
            child.send_signal(signal.SIGINT)
        interrupted = True

    signals = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, pass_on) for number in signals}
    try:
        output, err = child.communicate()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return child.returncode, output or "", err


def _environment() -> dict[str, str]:
    environment = os.environ | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    configuration = Path(environment.get("TF_CLI_CONFIG_FILE", os.devnull))
    if not configuration.exists():
        # Terraform warns of a missing one at every call.
        environment["TF_CLI_CONFIG_FILE"] = os.devnull
    return environment


def need_state_server() -> None:
    """Raise TerraformError at once if the state's server does not answer.

    Terraform would ask it for minutes.
    """
    backend_endpoint = os.environ.get("GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT")
    storage_endpoint = os.environ.get("GOOGLE_STORAGE_CUSTOM_ENDPOINT")
    server = urlsplit(backend_endpoint or storage_endpoint or STATE_SERVER)
    target = _proxy(server) or server
    default_port = 443 if target.scheme == "https" else 80
    address = (target.hostname or "", target.port or default_port)
    try:
        socket.create_connection(address, PATIENCE_SECONDS).close()
    except OSError as error:
        raise TerraformError(
            f"the state's server {server.scheme}://{server.netloc} can't be reached ({error}); "
            "nothing was changed"
        ) from None


def _proxy(server: SplitResult) -> SplitResult | None:
    """Return the proxy on the way to a server, if there is one."""
    if proxy_bypass(server.hostname or ""):
        return None
    address = getproxies().get(server.scheme, "")
    proxy = urlsplit(address)
    return proxy if proxy.hostname else None


KNOWN: tuple[tuple[str, str], ...] = (  # with {stage} and {bucket}, that of the state
    (
        r"Failed to get existing workspaces: querying Cloud Storage failed: "
        r"storage: bucket doesn't exist",
        "its state bucket isn't there: run `make bootstrap env={stage}` once",
    ),
    (
        # Another project's bucket answers as one of ours does to somebody without a role on it:
        # https://github.com/hashicorp/terraform/issues/17222
        r"querying Cloud Storage failed: googleapi: Error 403",
        "its state bucket gs://{bucket} does not let this account in: `make doctor env={stage}` "
        "says what the account lacks; the buckets of all of Google Cloud share their names, so if "
        "this one is somebody else's, change project_id or stage in environments.py",
    ),
    (
        r"could not find default credentials",
        "there are no Google credentials: run `gcloud auth application-default login`",
    ),
    (
        r"doesn't\s+match\s+any\s+of\s+the\s+checksums|Provider dependency changes detected",
        "the provider is not one that infra/terraform.lock.hcl names: take it from the registry, "
        "or, if its version was changed on purpose, run `make provider-lock`",
    ),
    (
        r"Failed to query available provider packages"
        r"|provider registry\.terraform\.io/hashicorp/google was not found"
        r"|Inconsistent dependency lock file",
        "the provider hashicorp/google can't be had from the registry or the mirror",
    ),
    (
        r"Saved plan is stale",
        "the state changed after the plan was made: plan again",
    ),
)
LOCKED = re.compile(
    r"Error acquiring the state lock.*?ID:\s+(?P<id>\S+)"
    r".*?Operation:\s+(?P<operation>\S+)"
    r".*?Who:\s+(?P<who>[^\n│]+?)\s*\n"
    r".*?Created:\s+(?P<created>[^\n│]+)",
    re.DOTALL,
)


# https://cloud.google.com/storage/docs/json_api/v1/status-codes, 409 for a name that is taken
TAKEN = re.compile(
    r"Error 409: .*?bucket name(?: that you tried to create)? is not available.*?"
    r"with google_storage_bucket\.(?P<id>\w+)",
    re.DOTALL,
)


def _known(error: str) -> bool:
    plain = _plain(error)
    if LOCKED.search(plain) or TAKEN.search(plain):
        return True
    return any(re.search(pattern, plain) for pattern, _ in KNOWN)


def _sentence(stack: Stack, verb: str, error: str) -> str:
    plain = _plain(error)
    if lock := LOCKED.search(plain):
        id_, operation, holder, created = lock.group("id", "operation", "who", "created")
        unlock = f"terraform -chdir={stack.folder} force-unlock {id_}"
        return (
            f"{stack.name}: the state is locked by {holder} "
            f"since {created.strip()} ({operation}): "
            f"wait for it, or, if nothing of it runs any more, `{unlock}`"
        )
    if taken := TAKEN.search(plain):
        buckets = stack.configuration()["resource"]["google_storage_bucket"]
        name = buckets[taken["id"]]["name"]
        return (
            f"{stack.name}: the bucket gs://{name} is somebody else's, all of Google Cloud share "
            "their names: change project_id or stage in environments.py, of which it is made"
        )
    for pattern, sentence in KNOWN:
        if re.search(pattern, plain):
            _, _, stage = stack.name.rpartition("-")
            remedy = sentence.format(stage=stage, bucket=stack.state_bucket)
            return f"{stack.name}: {remedy}"
    reason = _first_error(plain)
    return f"{stack.name}: terraform {verb} failed: {reason}"


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|[│╷╵]", "", text)


def _first_error(plain: str) -> str:
    match = re.search(r"Error: (.+)", plain)
    if match is None:
        return "it says nothing"
    return match[1].strip()


def say(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr, flush=True)
