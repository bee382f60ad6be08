"""Packages that one task alone needs: who has installed fewer than all of requirements.txt learns which one to add, and how."""

from __future__ import annotations

import importlib.metadata
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
    """Return the sentence with the command, for the Python that runs."""
    return f"Run: {Path(sys.executable).name} -m pip install -r requirements.txt"
