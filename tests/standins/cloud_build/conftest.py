"""The shared repository of the tests of recipes and of their triggers."""

from pathlib import Path

import pytest

from tests.standins.cloud_build.scratch import Scratch


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "repository")
