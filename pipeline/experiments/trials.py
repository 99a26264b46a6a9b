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
from settings.values import INT64, Within, listed, shown

Trial = dict[str, Scalar]
Choices = dict[str, list[Scalar]]  # by key
TRUTHS = {"true": True, "false": False}
MOST = 1_000  # runs of one command
INTEGERS = Within(-INT64 - 1, INT64)  # as in model.toml, and in TensorFlow


def of(texts: Sequence[str], folder: ModelFolder) -> list[Trial]:
    """Every combination of the values, one trial a run; one empty trial without any.

    Raises ConfigurationError for a key that the model does not have, or a value of another type.
    """
    space = folder.declaration.tuning.space
    values: Choices = {}
    for text in texts:
        key, _, rest = text.partition("=")
        if not key or not rest:
            raise ConfigurationError(
                f"--set is {shown(text)}, allowed is KEY=VALUE, or KEY=VALUE,VALUE for several runs"
            )
        if key not in space:
            raise ConfigurationError(f"--set names {shown(key)}, {_nearest(key, space)}")
        if key in values:
            raise ConfigurationError(
                f"--set names {shown(key)} twice, allowed is once: several values stand in a list"
            )
        words = rest.split(",")
        values[key] = _values(key, words, space[key])
    return _combinations(values)


def _combinations(values: Choices) -> list[Trial]:
    lists = values.values()
    count = math.prod(map(len, lists))
    if count > MOST:
        raise ConfigurationError(f"--set makes {count:,} runs, allowed are {MOST:,}")
    trials: list[Trial] = []
    for choice in itertools.product(*lists):
        pairs = zip(values, choice, strict=True)
        trials.append(dict(pairs))
    return trials


def single(texts: Sequence[str], folder: ModelFolder) -> Trial:
    """The one trial of the texts; raises ConfigurationError for a list of values."""
    trials = of(texts, folder)
    if len(trials) > 1:
        raise ConfigurationError(f"--set makes {len(trials)} runs, allowed is one value of each")
    [trial] = trials
    return trial


def texts(trial: Trial) -> list[str]:
    """The trial as it stands on the command line."""
    pairs = trial.items()
    return [f"{key}={_text(value)}" for key, value in pairs]


def _text(value: Scalar) -> str:
    text = str(value)
    is_truth = isinstance(value, bool)
    return text.lower() if is_truth else text


def _nearest(key: str, space: Choices) -> str:
    if not space:
        return "and the model has no hyperparameters"
    names = difflib.get_close_matches(key, space, n=3, cutoff=0.4)
    if names:
        nearest = ", ".join(names)
        return f"which the model does not have: the nearest are {nearest}"
    allowed = listed(space)
    return f"which the model does not have: allowed are {allowed}"


def _value(key: str, word: str, choices: list[Scalar]) -> Scalar:
    """The word as a value of the choices' type, which they share."""
    [first_choice, *_] = choices
    kind = type(first_choice)
    value = TRUTHS.get(word) if kind is bool else _number(word, kind)
    subject = f"--set {key} is {shown(word)}"
    if value is None:
        raise ConfigurationError(f"{subject}, allowed is a value of type {kind.__name__}")
    if isinstance(value, int) and not INTEGERS.holds(value):
        raise ConfigurationError(f"{subject}, allowed are integers of 64 bits, {INTEGERS}")
    return value


def _number(word: str, kind: type[Scalar]) -> Scalar | None:
    """The number of that type, None for no finite one; a text is itself."""
    try:
        word.encode()  # a ValueError for what is no UTF-8
        value = kind(word)
        is_finite = isinstance(value, str) or math.isfinite(value)
    except (ValueError, OverflowError):  # OverflowError: a whole number beyond every float
        return None
    return value if is_finite and word else None


def _values(key: str, words: list[str], choices: list[Scalar]) -> list[Scalar]:
    """The words as values, each of them once."""
    values = [_value(key, word, choices) for word in words]
    for value in values:
        if values.count(value) > 1:
            raise ConfigurationError(f"--set {key} has {value!r} twice, allowed is each value once")
    return values
