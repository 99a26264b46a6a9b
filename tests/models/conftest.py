"""Which models the contract is about: all, or those that `--models` names, as a recipe does."""

import pytest

from settings import model_names


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--models", default="all", help="all, or names joined by commas (default: all)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames:
        chosen = chosen_models(
            metafunc.config.getoption("--models", default="all")
        )  # not there where this folder was not asked for by name
        metafunc.parametrize("model", chosen, indirect=True, scope="module")


def pytest_configure(config: pytest.Config) -> None:
    chosen_models(config.getoption("--models", default="all"))


def chosen_models(asked: str) -> list[str]:
    if asked == "all":
        return model_names()
    names = set(asked.split(","))
    if unknown := sorted(names - set(model_names())):
        raise pytest.UsageError(f"--models is {asked!r}, unknown is {unknown[0]!r}, allowed are all and {', '.join(model_names())}")
    return sorted(names)
