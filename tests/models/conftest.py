"""The models under contract: all of the team's, or those of `--models`."""

import pytest

from settings import REPOSITORY, model_names

TEAMS = REPOSITORY / "models"  # whatever models other tests bring


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "all, or names joined by commas (default: all)"
    parser.addoption("--models", default="all", help=about)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames:
        names = chosen_models(asked(metafunc.config))
        metafunc.parametrize("model", names, indirect=True, scope="module")


def pytest_configure(config: pytest.Config) -> None:
    chosen_models(asked(config))


def asked(config: pytest.Config) -> str:
    """The option's value; pytest knows it only if this folder was asked for by name."""
    return str(config.getoption("--models", default="all"))


def chosen_models(asked: str) -> list[str]:
    teams = model_names(TEAMS)
    if asked == "all":
        return teams
    names = set(asked.split(","))
    if unknown := sorted(names - set(teams)):
        raise pytest.UsageError(
            f"--models is {asked!r}, unknown is {unknown[0]!r}, allowed are all and "
            f"{', '.join(teams)}"
        )
    return sorted(names)
