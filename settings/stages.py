"""The entries of environments.py together.

Each has a stage of its own. Promotions form a chain that begins at a first stage.
"""

import importlib
import traceback
from collections import Counter
from collections.abc import Iterator
from types import ModuleType

from settings import Settings, SettingsError
from settings.values import cut, joined, listed, shown


def environments() -> dict[str, Settings]:
    """Read environments.py: its stages by name, in the team's order.

    Raises SettingsError for a file that is missing, that fails, or that names no ENVIRONMENTS.
    """
    stages: dict[str, Settings] | None = getattr(_module(), "ENVIRONMENTS", None)
    if stages is None or not _are_settings(stages):
        raise SettingsError(
            f"ENVIRONMENTS is {shown(stages)}, allowed is what by_stage() makes of the stages"
        )
    return stages


def _are_settings(stages: object) -> bool:
    """Whether these are stages, and at least one."""
    if not isinstance(stages, dict) or not stages:
        return False
    return all(isinstance(settings, Settings) for settings in stages.values())


def _module() -> ModuleType:
    try:
        return importlib.import_module("environments")
    except SettingsError:
        raise
    except SyntaxError as error:
        place = f"line {error.lineno}: " if error.lineno else ""
        raise SettingsError(f"{place}not Python: {cut(error.msg, 200)}") from error
    except Exception as error:  # the file is the team's and may do anything
        raise SettingsError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == "environments":
        return "there is no such file, `git checkout environments.py` brings the shipped one"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename.endswith("environments.py")]
    place = f"line {lines[-1]}: " if lines else ""
    return f"{place}{cut(str(error), 200)}; allowed are the values that its docstring lists"


def by_stage(*environments: Settings) -> dict[str, Settings]:
    """The entries by their stage.

    Raises one SettingsError with all that is wrong between them.
    """
    stages = {settings.stage: settings for settings in environments}
    problems = list(_order_problems(environments, stages))
    if problems:
        raise SettingsError(joined(problems))
    return stages


def _order_problems(
    environments: tuple[Settings, ...], stages: dict[str, Settings]
) -> Iterator[str]:
    counts = Counter(settings.stage for settings in environments)
    for stage, count in counts.items():
        if count > 1:
            yield f"stage is {shown(stage)} in {count} entries, allowed is one"
    choices = listed(stages)
    for settings in environments:
        stage, source = settings.stage, settings.promotes_from
        if source is not None and source not in stages:
            yield (f"stage {stage}: promotes_from is {shown(source)}, allowed are {choices}")
        path = [stage]
        while source in stages and source not in path:
            path.append(source)
            source = stages[source].promotes_from
        if source == stage:
            stops = listed(path)
            yield (
                f"stage {stage}: promotes_from leads back to it by {stops}, "
                "allowed is an order with a beginning"
            )
