"""Run a command in an image made by build/image, with folders bound into it.

The command runs as the image's user and in its environment. Where buildah built the image no engine
can run it: its files are entered by chroot, and network and processes are the machine's.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
BUILT = Path(CACHE, "esteira/images/built.json")
Folders = dict[Path, str]  # of this machine -> of the image
ENTER = """
root=$1 user=$2 folder=$3; shift 3
mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mkdir -p "$root$2"; mount --bind "$1" "$root$2"; shift 2; done; shift
exec chroot --userspec="$user:$user" "$root" env -i --chdir="$folder" "$@"
"""


@dataclass(frozen=True)
class Image:
    description: dict[str, Any]  # as build/image wrote it

    @classmethod
    def built(cls, target: str) -> "Image":
        images = json.loads(BUILT.read_text(encoding="utf-8"))
        return cls(images[target])

    def command(
        self,
        *command: str,
        folders: Folders,
        environment: dict[str, str] | None = None,
        user: str | None = None,
    ) -> list[str]:
        """The process of `command`, or without one of the image's own; it runs as the image's user.

        `folders` maps this machine's folders to the image's. Another user may be given.
        """
        variables = [f"{name}={value}" for name, value in (environment or {}).items()]
        if "root" in self.description:
            return self._chroot(command, folders, variables, user)
        return self._container(command, folders, variables, user)

    def _container(
        self, command: tuple[str, ...], folders: Folders, variables: list[str], user: str | None
    ) -> list[str]:
        """An engine's container, removed once it has ended."""
        entrypoint = [f"--entrypoint={program}" for program in command[:1]]
        binds = [f"--volume={source}:{target}" for source, target in folders.items()]
        options = [f"--env={variable}" for variable in variables]
        if user:
            options.append(f"--user={user}")

        engine = self.description["engine"]
        reference = self.description["reference"]
        start = [engine, "run", "--rm", "--network=host"]
        arguments = command[1:]
        return [*start, *entrypoint, *binds, *options, reference, *arguments]

    def _chroot(
        self, command: tuple[str, ...], folders: Folders, variables: list[str], user: str | None
    ) -> list[str]:
        """A process of this machine with the image's files alone in sight."""
        root = self.description["root"]
        config = self.description["config"]
        user = user or config["User"]
        folder = config["WorkingDir"]
        binds = []
        for source, target in folders.items():
            binds += [str(source), target]

        shell = ["unshare", "--mount", "sh", "-euc", ENTER, "sh", root, user, folder, *binds, "--"]
        image_variables = config["Env"]
        process = command or config["Entrypoint"]
        return [*shell, *image_variables, "HOME=/home/esteira", *variables, *process]
