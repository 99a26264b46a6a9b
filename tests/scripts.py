"""Imports the scripts of build/: they have no suffix."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

from settings import REPOSITORY


def loaded(name: str) -> ModuleType:
    """build/`name` as a module; no bytecode is left beside it."""
    path = REPOSITORY / "build" / name
    loader = SourceFileLoader(name, str(path))
    spec = spec_from_loader(name, loader)
    module = module_from_spec(spec)
    sys.dont_write_bytecode, setting = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = setting
    return module
