"""README's map and its Monday morning name existing files."""

import re

import pytest

from settings import REPOSITORY
from tests.team import MODELS

README = (REPOSITORY / "README.md").read_text()
TEAMS = ("models/",)  # a team may have renamed the models that are shipped


def section(title: str) -> str:
    _, following = README.split(f"## {title}\n", maxsplit=1)
    text, *_ = following.split("\n## ")
    return text


def monday() -> set[str]:
    """The files and folders of the answers."""
    _, _, _, *rows = section("On Monday I want to ...").split("\n|")
    names = set()
    for row in rows:
        _, answer, *_ = row.split("|")
        names.update(re.findall(r"`([\w./-]+)`", answer))
    return {name for name in names if "/" in name or "." in name}


def mapped() -> list[str]:
    """The map's entries, each below its folder by indentation."""
    _, block, *_ = section("The map").split("```")
    _, *lines = block.splitlines()
    folder, paths = "", []
    for line in lines:
        entry, *_ = line.split()
        if line.startswith(" "):
            paths.append(f"{folder}{entry}")
        else:
            folder = entry if entry.endswith("/") else ""
            paths.append(entry)
    return paths


MAPPED = mapped()


@pytest.mark.parametrize("name", sorted(monday()))
def test_each_answer_of_monday_morning_is_a_file_or_a_folder(name: str) -> None:
    """A name alone is of a model's folder, any model's: the tests' own stands for it."""
    shipped_model = REPOSITORY / "models/taxi"
    if name.startswith(TEAMS) and not shipped_model.is_dir():
        pytest.skip("the shipped model is a team's own")
    places = (REPOSITORY / name, MODELS / "cab" / name)

    existing_places = [place for place in places if place.exists()]

    assert existing_places


@pytest.mark.parametrize("path", [path for path in MAPPED if "<" not in path])
def test_each_entry_of_the_map_is_there(path: str) -> None:
    place = REPOSITORY / path

    assert place.exists()


@pytest.mark.parametrize("folder", ["pipeline", "infra"])
def test_each_folder_is_on_the_map(folder: str) -> None:
    files = REPOSITORY.glob(f"{folder}/*/__init__.py")
    packages = {file.parent.name for file in files}

    assert len(packages) > 4
    for package in packages:
        assert f"{folder}/{package}/" in MAPPED


def held() -> list[str]:
    """The tests named in docs/google.md."""
    text = (REPOSITORY / "docs/google.md").read_text()
    return re.findall(r"`(tests/[\w/.:]+)`", text)


HELD = held()


def test_googles_assumptions_name_their_tests() -> None:
    assert len(HELD) > 15


@pytest.mark.parametrize("name", HELD)
def test_each_assumption_of_google_is_held_by_a_test(name: str) -> None:
    path, separator, test = name.partition("::")
    assert separator
    text = (REPOSITORY / path).read_text()

    assert f"def {test}(" in text
