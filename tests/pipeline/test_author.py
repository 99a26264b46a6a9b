"""Who does something is named in characters that each log and database takes."""

import platform

import pytest

from pipeline.author import BUILD, author


@pytest.mark.parametrize(("user", "name"), [("ann", "ann"), ("a\udcff\nb", "a??b"), ("zoë", "zoë")])
def test_a_person_is_named_with_the_machine(monkeypatch, user, name):
    monkeypatch.delenv(BUILD, raising=False)
    monkeypatch.setenv("LOGNAME", user)

    person = author()

    assert person == f"{name}@{platform.node()}"


def test_a_build_is_named_by_its_id(monkeypatch):
    monkeypatch.setenv(BUILD, "7f\n")

    assert author() == "build 7f?"
