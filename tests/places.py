"""Where the project and its tests are, whatever folder asks."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent


class ConfigurationElsewhere:
    """Finds fabfile_config everywhere but in the project: whoever runs the tests may have made one, as the README says."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "fabfile_config":
            return None
        spec = PathFinder.find_spec(name, [entry for entry in sys.path if Path(entry).resolve() != PROJECT])
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return spec
