"""Names of a package that are loaded when first used, so that importing it stays light."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any


def lazy_attributes(package: str, modules: Mapping[str, str], submodules: Collection[str] = ()) -> Callable[[str], Any]:
    """A `__getattr__` for `package` (PEP 562).

    Args:
        package: its `__name__`.
        modules: for each public name, the module in it that has it.
        submodules: modules that are themselves public, such as `viz`, or `engine.lab` as `lab`.
    """
    places = {path.rpartition(".")[2]: path for path in submodules}

    def getattribute(name: str) -> Any:
        if name in places:
            return import_module(f"{package}.{places[name]}")
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return getattribute
