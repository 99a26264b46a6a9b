"""A root for each step of a recipe: its image's packages over this machine's files.

/usr is fresh in each step and holds no more than the image does. HOME and the workspace are the
machine's own, so that they outlive a step, as they do on Cloud Build
(cloud.google.com/build/docs/configuring-builds/pass-data-between-steps). It takes root and the
Debian 13 userland that build/environment makes on an older Debian. Elsewhere a step sees all of the
machine's programs.
"""

import os
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.scripts import loaded

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
# Of the machine, by the root's own. /usr is last: it holds mount.
OVER = ("etc/alternatives", "etc/ld.so.cache", "var/lib/dpkg", "usr")
WITHOUT_ROOTS = (
    "cloud build (a stand-in): each step finds all programs of this machine, "
    "since it is not root or has no Debian 13 userland"
)
environment = loaded("environment")
KNOWN = frozenset({*environment.PACKAGES, "nodejs"})  # what the userland was made with
USERLAND = environment.CACHE / f"debian-13-{environment.digest(environment.ROOT_RECIPE)}"


class UnknownPackageError(Exception):
    """A package unavailable to any root here."""


def available() -> bool:
    """Whether a step can have a root of its own on this machine."""
    return os.geteuid() == 0 and (USERLAND / ".ready").exists()


def root_with(packages: Iterable[str]) -> Path:
    """The root with these Debian packages and their dependencies, made if missing.

    Raises UnknownPackageError for a package that is not in KNOWN.
    """
    names = sorted({*packages})
    for name in names:
        if name not in KNOWN:
            raise UnknownPackageError(name)
    id_ = environment.digest((USERLAND.name, *names))
    root: Path = environment.CACHE / f"image-{id_}"
    with environment.prepared(root, f"a root with {' '.join(names)}") as new:
        if new:
            _make(root, surplus=KNOWN.difference(names))
    return root


def _make(root: Path, surplus: Iterable[str]) -> None:
    """Copy the userland, without the surplus packages and their unused dependencies.

    /usr is linked: a removal takes names away and writes into none of its files.
    """
    usr = USERLAND / "usr"
    parts = [path for path in USERLAND.iterdir() if path != usr and path.name != ".ready"]
    environment.run(["cp", "--archive", *map(str, parts), str(root)], root)
    environment.run(["cp", "--archive", "--link", str(usr), str(root)], root)
    removal = ["apt-get", "purge", "-y", "-qq", "--auto-remove", *sorted(surplus)]
    environment.run(["chroot", str(root), *removal], root)


def prefix(root: Path) -> list[str]:
    """The words before a command to make it see this root."""
    mounts = [shlex.join(mount) for mount in _mounts(root)]
    # Every step is an exec, so that the command itself is what a signal meets.
    return ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]


def change_to(root: Path) -> None:
    """Put another root before the calling step."""
    for mount in _mounts(root):
        subprocess.run(mount, check=True)


def _mounts(root: Path) -> list[list[str]]:
    return [["mount", "-o", "bind,ro", str(root / path), f"/{path}"] for path in OVER]
