"""One model as its folder declares it.

The files that must be there are read and checked before anything runs.
"""

import ast
import copy
import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.model import declaration
from pipeline.model.declaration import Scalar
from settings import MODELS, model_names, models
from settings.names import MODEL_NAME
from settings.values import cut, listed, shown

HYPERPARAMETERS = "hyperparameters/best.json"
ENTRY_FUNCTIONS = {"preprocessing.py": ("preprocessing_fn",), "model.py": ("run_fn", "tuner_fn")}


class ModelFolder:
    """A model's folder, checked.

    Raises ConfigurationError with file, key, value and what is allowed.
    """

    FILES = models.FILES

    @classmethod
    def load(cls, name_or_path: str, without: tuple[str, ...] = ()) -> "ModelFolder":
        """Load a model by its name in models/, or by a path with a slash.

        Files in `without` may be missing.
        """
        if "/" not in name_or_path:
            names = _names()
            if name_or_path not in names:
                raise ConfigurationError(
                    f"there is no model {name_or_path!r}, "
                    f"allowed are {', '.join(names)} and a path to a folder"
                )
            return cls(MODELS / name_or_path, without)
        path = Path(name_or_path)
        if not path.is_dir():
            raise ConfigurationError(
                f"there is no folder {name_or_path!r}, "
                f"allowed are a model's name ({', '.join(_names())}) "
                "and a path to its folder"
            )
        if path.parent.resolve() == MODELS:
            _names()  # the same folder is refused by its path as by its name
        return cls(path, without)

    def __init__(self, path: Path, without: tuple[str, ...] = ()) -> None:
        _refuse_links(path)
        self.path = path.resolve()
        self.changes: dict[str, Scalar] = {}  # of hyperparameters, see with_hyperparameters
        self.name = self.path.name
        if not MODEL_NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{path}: a model's folder is named {self.name!r}, allowed is {MODEL_NAME.pattern}"
            )
        required_files = [file for file in self.FILES if file not in without]
        for file in required_files:
            required_path = self.path / file
            if not required_path.is_file():
                raise ConfigurationError(
                    f"{path / file}: there is no such file, "
                    f"a model's folder holds {', '.join(self.FILES)}"
                )
        self.declaration = declaration.read(self.path / "model.toml")
        for file, functions in ENTRY_FUNCTIONS.items():
            _check_module(self.path / file, functions)
        self._check_hyperparameters()

    def sha256(self, file: str) -> str:
        return hashlib.sha256(self.content(file)).hexdigest()

    def content(self, file: str) -> bytes:
        """A file's content as git keeps it, for one digest in every clone.

        A clone with core.autocrlf has other line ends on its disk.
        """
        if file == HYPERPARAMETERS and self.changes:
            return json.dumps(self.hyperparameters).encode()
        path = self.path / file
        return path.read_bytes().replace(b"\r\n", b"\n")

    def with_hyperparameters(self, changes: Mapping[str, Scalar]) -> "ModelFolder":
        """The folder as if best.json had other values; the file stays as it is."""
        folder = copy.copy(self)
        folder.changes = dict(changes)
        folder.hyperparameters = self.hyperparameters | folder.changes
        return folder

    @cached_property
    def hyperparameters(self) -> dict[str, Scalar]:
        file = self.path / HYPERPARAMETERS
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(
                f"{file}: not JSON ({cut(str(error), 100)}), "
                "allowed is an object of hyperparameters"
            ) from error
        if not isinstance(values, dict):
            raise ConfigurationError(
                f"{file}: {shown(values)} is no object, allowed is an object of hyperparameters"
            )
        return values

    @cached_property
    def source(self) -> Path:
        """The path of the local data, existing or not."""
        source = self.declaration.data.source
        if not source.startswith("package:"):
            return (self.path / source).resolve()
        package, _, relative_path = source.removeprefix("package:").partition("/")
        package_folder = _package_folder(package)
        if package_folder is None:
            raise ConfigurationError(
                f"{self.path}/model.toml: data.source names the package {shown(package)}, "
                "allowed are packages that Pipfile.lock installs"
            )
        return package_folder / relative_path

    def _check_hyperparameters(self) -> None:
        file = self.path / HYPERPARAMETERS
        space = self.declaration.tuning.space
        for name, value in self.hyperparameters.items():
            if name not in space:
                raise ConfigurationError(
                    f"{file}: the hyperparameter {shown(name)} is unknown, "
                    f"allowed are tuning.space's {listed(space)}"
                )
            if not _is_among(value, space[name]):
                raise ConfigurationError(
                    f"{file}: {cut(name, 80)} is {shown(value)}, "
                    f"allowed are tuning.space's choices {shown(space[name])}"
                )
        for name, choices in space.items():
            if name not in self.hyperparameters:
                raise ConfigurationError(
                    f"{file}: {cut(name, 80)} is missing, "
                    f"allowed are tuning.space's choices {shown(choices)}"
                )


def _is_among(value: Scalar, choices: list[Scalar]) -> bool:
    """Say whether it is one of the choices; 64.0 and True are other ones than 64 and 1."""
    return any(type(choice) is type(value) and choice == value for choice in choices)


def _package_folder(package: str) -> Path | None:
    """The folder of an installed package; None for any other name."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    folder, *_ = spec.submodule_search_locations
    return Path(folder)


def _names() -> list[str]:
    try:
        return model_names()
    except models.ModelError as error:
        raise ConfigurationError(str(error)) from error


def _refuse_links(path: Path) -> None:
    try:
        models.check(path)
    except models.ModelError as error:
        raise ConfigurationError(str(error)) from error


def _check_module(file: Path, functions: tuple[str, ...]) -> None:
    try:
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text, str(file))
    # MemoryError: an expression of more levels than the parser has.
    except (SyntaxError, UnicodeDecodeError, RecursionError, MemoryError) as error:
        raise ConfigurationError(f"{file}: not Python: {cut(str(error), 200)}") from error
    defined_names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for function in functions:
        if function not in defined_names:
            raise ConfigurationError(
                f"{file}: there is no function {function}, "
                f"{file.name} defines {' and '.join(functions)}"
            )
    siblings = {path.stem for path in file.parent.glob("*.py")}
    siblings |= {"pipeline", "infra", "settings", "environments"}
    for line, name in _imports(tree):
        top_name, _, _ = name.partition(".")  # empty where the import is relative
        if not top_name or top_name in siblings:
            raise ConfigurationError(
                f"{file}: line {line} imports {name}, "
                "allowed are installed packages: each module travels alone"
            )


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and the module of each import; a relative one begins with one dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = f".{module}"
            yield node.lineno, module
