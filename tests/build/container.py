"""Run a command in an image made by build/image, with folders bound into it.

The command runs as the image's user and in its environment. Where buildah built the image no engine
can run it: its files are entered by chroot, and network and processes are the machine's.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUILT = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "esteira/images/built.json"
)
ENTER = """
root=$1 user=$2 folder=$3; shift 3
mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mkdir -p "$root$2"; mount --bind "$1" "$root$2"; shift 2; done; shift
exec chroot --userspec="$user:$user" "$root" env -i --chdir="$folder" "$@"
"""


@dataclass(frozen=True)
class Image:
    told: dict[str, Any]

    @classmethod
    def built(cls, target: str) -> "Image":
        return cls(json.loads(BUILT.read_text())[target])

    def command(
        self,
        *command: str,
        folders: dict[Path, str],
        environment: dict[str, str] | None = None,
        user: str | None = None,
    ) -> list[str]:
        """The process of `command`, or without one of the image's own; it runs as the image's user.

        `folders` maps this machine's folders to the image's. Another user may be given.
        """
        if "root" not in self.told:
            binds = [f"--volume={source}:{target}" for source, target in folders.items()]
            options = [f"--env={name}={value}" for name, value in (environment or {}).items()]
            entry = [f"--entrypoint={command[0]}"] if command else []
            options += [f"--user={user}"] if user else []
            return [
                self.told["engine"],
                "run",
                "--rm",
                "--network=host",
                *entry,
                *binds,
                *options,
                self.told["reference"],
                *command[1:],
            ]
        config, binds = (
            self.told["config"],
            [str(part) for pair in folders.items() for part in pair],
        )
        variables = [
            *config["Env"],
            "HOME=/home/esteira",
            *(f"{name}={value}" for name, value in (environment or {}).items()),
        ]
        place = [self.told["root"], user or config["User"], config["WorkingDir"]]
        return [
            "unshare",
            "--mount",
            "sh",
            "-euc",
            ENTER,
            "sh",
            *place,
            *binds,
            "--",
            *variables,
            *(command or config["Entrypoint"]),
        ]
