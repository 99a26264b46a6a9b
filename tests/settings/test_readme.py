"""README's map and its Monday morning name existing files."""

import re

import pytest

from settings import REPOSITORY
from tests.team import MODELS

README = (REPOSITORY / "README.md").read_text()
TEAMS = ("models/",)  # a team may have renamed the models that are shipped


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def monday() -> list[str]:
    rows = section("On Monday I want to ...").split("\n|")[3:]
    names = [name for row in rows for name in re.findall(r"`([\w./-]+)`", row.split("|")[1])]
    return [name for name in names if "/" in name or "." in name]


def mapped() -> list[str]:
    """The map's entries, each below its folder by indentation."""
    above, paths = "", []
    for line in section("The map").split("```")[1].splitlines()[1:]:
        entry = line.split()[0]
        if not line.startswith(" "):
            above = entry if entry.endswith("/") else ""
            paths.append(entry)
        else:
            paths.append(above + entry)
    return paths


@pytest.mark.parametrize("name", sorted({name for name in monday() if "<" not in name}))
def test_each_answer_of_monday_morning_is_a_file_or_a_folder(name: str) -> None:
    """A name alone is of a model's folder, any model's: the tests' own stands for it."""
    if name.startswith(TEAMS) and not (REPOSITORY / "models/taxi").is_dir():
        pytest.skip("the shipped model is a team's own")
    places = (REPOSITORY / name, MODELS / "cab" / name)

    assert any(place.exists() for place in places)


@pytest.mark.parametrize("path", [path for path in mapped() if "<" not in path])
def test_each_entry_of_the_map_is_there(path: str) -> None:
    assert (REPOSITORY / path).exists()


@pytest.mark.parametrize("folder", ["pipeline", "infra"])
def test_each_folder_is_on_the_map(folder: str) -> None:
    packages = {path.parent.name for path in (REPOSITORY / folder).glob("*/__init__.py")}

    assert len(packages) > 4
    assert {path for path in packages if f"{folder}/{path}/" not in mapped()} == set()
