"""Hyperparameters for single runs: `--set learning_rate=0.01`, or several values for as many runs.

Each value has the type of the key's choices in model.toml's tuning.space; it need not be one of
them.
"""

import difflib
import itertools
import math
from collections.abc import Sequence

from pipeline.errors import ConfigurationError
from pipeline.model.declaration import Scalar
from pipeline.model.folder import ModelFolder
from settings.values import listed, shown

Trial = dict[str, Scalar]
TRUTHS = {"true": True, "false": False}
MOST = 1_000  # runs of one command


def of(texts: Sequence[str], folder: ModelFolder) -> list[Trial]:
    """Every combination of the values, one trial a run; one empty trial without any.

    Raises ConfigurationError for a key that the model does not have, or a value of another type.
    """
    space = folder.declaration.tuning.space
    values: dict[str, list[Scalar]] = {}
    for text in texts:
        key, sign, rest = text.partition("=")
        if not (sign and key and rest):
            raise ConfigurationError(
                f"--set is {shown(text)}, allowed is KEY=VALUE, or KEY=VALUE,VALUE for several runs"
            )
        if key not in space:
            raise ConfigurationError(f"--set names {shown(key)}, {_nearest(key, space)}")
        if key in values:
            raise ConfigurationError(
                f"--set names {shown(key)} twice, allowed is once: several values stand in a list"
            )
        parsed = [_value(key, word, space[key]) for word in rest.split(",")]
        values[key] = _refuse_repeated(key, parsed)
    count = math.prod(map(len, values.values()))
    if count > MOST:
        raise ConfigurationError(f"--set makes {count:,} runs, allowed are {MOST:,}")
    return [
        dict(zip(values, choice, strict=True)) for choice in itertools.product(*values.values())
    ]


def single(texts: Sequence[str], folder: ModelFolder) -> Trial:
    """The one trial of the texts; raises ConfigurationError for a list of values."""
    first, *others = of(texts, folder)
    if others:
        raise ConfigurationError(
            f"--set makes {1 + len(others)} runs, allowed is one value of each"
        )
    return first


def texts(trial: Trial) -> list[str]:
    """The trial as it stands on the command line."""
    return [f"{key}={_text(value)}" for key, value in trial.items()]


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _nearest(key: str, space: dict[str, list[Scalar]]) -> str:
    if not space:
        return "and the model has no hyperparameters"
    names = difflib.get_close_matches(key, space, n=3, cutoff=0.4)
    if names:
        return f"which the model does not have: the nearest are {', '.join(names)}"
    return f"which the model does not have: allowed are {listed(space)}"


def _value(key: str, word: str, choices: list[Scalar]) -> Scalar:
    """The word as a value of the choices' type, which they share."""
    kind = type(choices[0])
    value = TRUTHS.get(word) if kind is bool else _number(word, kind)
    if value is None:
        raise ConfigurationError(
            f"--set {key} is {shown(word)}, allowed is a value of type {kind.__name__}"
        )
    return value


def _number(word: str, kind: type[Scalar]) -> Scalar | None:
    """The number of that type, None for no finite one; a text is itself."""
    try:
        value = kind(word)
        is_finite = isinstance(value, str) or math.isfinite(value)
    except (ValueError, OverflowError):  # OverflowError: a whole number beyond every float
        return None
    return value if is_finite and word else None


def _refuse_repeated(key: str, values: list[Scalar]) -> list[Scalar]:
    for value in values:
        if values.count(value) > 1:
            raise ConfigurationError(f"--set {key} has {value!r} twice, allowed is each value once")
    return values
