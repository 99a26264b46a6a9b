"""Imports the scripts of build/: they have no suffix."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

from settings import REPOSITORY


def loaded(name: str) -> ModuleType:
    """build/`name` as a module; no bytecode is left beside it."""
    loader = SourceFileLoader(name, str(REPOSITORY / "build" / name))
    module = module_from_spec(spec_from_loader(name, loader))
    sys.dont_write_bytecode, setting = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = setting
    return module
