"""The Makefile's targets, and what `make help` says of them."""

import re

from settings import REPOSITORY

MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
# As the recipe of `help` reads them.
LISTED = dict(re.findall(r"^([a-z-]+):.*?## (.*)$", MAKEFILE, re.MULTILINE))


def test_help_lists_every_target_that_is_no_file():
    [targets] = re.findall(r"^\.PHONY:(.*)$", MAKEFILE, re.MULTILINE)

    assert set(targets.split()) == set(LISTED)


def test_soak_takes_ten_minutes_or_as_many_seconds_as_are_asked_for():
    [recipe] = re.findall(r"^soak:.*\n\t(.*)$", MAKEFILE, re.MULTILINE)

    assert "seconds=600" in LISTED["soak"]
    assert recipe.endswith("-m tests.load.soak --seconds $(or $(seconds),600)")
