"""Checks artifacts on this machine by the manifests beside their folders."""

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import manifest
from pipeline.places import cannot_be_written, shown


@dataclass
class Problems:
    """The problems of the checked artifacts, by folder."""

    by_folder: dict[Path, str] = field(default_factory=dict)

    def of(self, folder: Path) -> str | None:
        """The problem of an artifact, or None."""
        problem = manifest.problem(folder, manifest.beside(folder))
        if problem:
            self.by_folder[folder] = problem
        return problem

    def sentences(self) -> Iterator[str]:
        for folder, problem in self.by_folder.items():
            yield f"{shown(folder)} is not used any more: {problem}"


def adopt(store: Path) -> None:
    """Write the manifests of a store from before there were any: its artifacts as they are."""
    if any(store.glob(f"*/*/*{manifest.SUFFIX}")):
        return
    for folder in store.glob("[A-Z]*/*/[0-9]*"):
        if folder.is_dir() and any(folder.iterdir()):
            manifest.write(folder, manifest.beside(folder))


@contextlib.contextmanager
def filled(folders: Iterable[Path]) -> Iterator[None]:
    """Let an executor fill empty folders, and write their manifests.

    A folder may hold an earlier execution's files: its number begins again at 1 with a new
    metadata.db. Nothing stays of an executor that failed.
    """
    try:
        _remove_all(folders)
        yield
        _write_manifests(folders)
    except BaseException:
        with contextlib.suppress(OSError):
            _remove_all(folders)
        raise


def _write_manifests(folders: Iterable[Path]) -> None:
    for folder in folders:
        file = manifest.beside(folder)
        try:
            manifest.write(folder, file)
        except OSError as error:
            raise cannot_be_written(file, error) from error


def _remove_all(folders: Iterable[Path]) -> None:
    for folder in folders:
        manifest.beside(folder).unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
