"""Packages that one task alone needs: who has installed fewer than all of requirements.txt learns which one to add, and how."""

from __future__ import annotations

import importlib.metadata
import shlex
import shutil
import sys
from pathlib import Path

from deployment.errors import PackageMissing


def require(package: str, user: str) -> str:
    """Return the version of an installed package, by its name on PyPI.

    Raises PackageMissing, which says that `user`, the subject of its sentence, needs it, and the command that installs it.
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise PackageMissing(
            f"{user} needs the package {package}, which is not installed. {install_command()}"
        ) from None


def install_command() -> str:
    """Return the sentence with the command, for the Python that runs: by its name only where a shell would find just that one."""
    python = Path(sys.executable)
    if shutil.which(python.name) == str(python):
        typed = python.name
    else:
        typed = str(python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python)
    return f"Run: {shlex.quote(typed)} -m pip install -r requirements.txt"
