"""What a kept tree does not hold of the files that ran, by the entries of its index."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from pipeline.delivery.git_process import answer

LINK = "160000"  # git's mode of a repository inside another, of which it holds the commit alone

Modes = Mapping[str, str]  # git's mode of each entry by its path below the repository


def lacking(repository: Path, modes: Modes) -> list[str]:
    """The repositories inside this one whose files are in no commit of theirs.

    A submodule's commit is to be had elsewhere, unless files differ from it.
    """
    inner_names = _inner(modes)
    if not inner_names:
        return []
    submodules = _submodules(repository)
    names = []
    for name in inner_names:
        if name not in submodules or _is_dirty(repository / name):
            names.append(name)
    return names


def missing(repository: Path, modes: Modes, files: Iterable[Path]) -> list[str]:
    """The files without their content in the index: ignored ones, and links that lead out of it.

    A repository inside this one answers for its own files.
    """
    root = repository.resolve()
    places = set(map(PurePosixPath, modes))
    folders = {folder for place in places for folder in place.parents}
    places |= folders
    inner_places = set(map(PurePosixPath, _inner(modes)))
    names = []
    for file in files:
        place = _place(file, repository)
        target = _place(file.resolve(), root)
        is_whole = {place, target} <= places
        if not is_whole and inner_places.isdisjoint(place.parents):
            names.append(str(place))
    return names


def _inner(modes: Modes) -> list[str]:
    """The repositories inside this one."""
    return [name for name, mode in modes.items() if mode == LINK]


def _place(file: Path, folder: Path) -> PurePosixPath:
    """The file's path below the folder; its own path where it lies elsewhere."""
    if file.is_relative_to(folder):
        return PurePosixPath(file.relative_to(folder))
    return PurePosixPath(file)


def _submodules(repository: Path) -> set[str]:
    """The folders that .gitmodules names, each with an address to have it from."""
    file = repository / ".gitmodules"
    if not file.is_file():
        return set()
    options = ("--null", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    output = answer(repository, "config", *options, missing=1) or ""
    *entries, _ = output.split("\0")
    folders = set()
    for entry in entries:
        _, _, folder = entry.partition("\n")
        folders.add(folder)
    return folders


def _is_dirty(folder: Path) -> bool:
    """Say whether files of a submodule differ; one that is not checked out has none."""
    git_folder = folder / ".git"
    if not git_folder.exists():
        return False
    return bool(answer(folder, "status", "--porcelain"))
