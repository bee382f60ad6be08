"""`fab` may keep what it has compiled: the program that loads the fabfile forbids it, and a later `fab` would pay for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import PROJECT

from benchmarks.deployed import copy_sources

OURS = f"import sys; sys.path.insert(0, {str(PROJECT / 'fab_command')!r}); import sync_buckets_fab; sync_buckets_fab.main()"
PROGRAMS = {"our own": ("-c", OURS), "that of Fabric": ("-m", "fabric")}


def compiled(folder: Path, program: str, **variables: str) -> set[str]:
    """Return the modules of the project that have bytecode after `fab template`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(
        [sys.executable, *PROGRAMS[program], "template"],
        cwd=folder,
        env={**environment, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return {path.name.partition(".")[0] for path in (folder / "deployment").rglob("*.pyc")}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_task_imports_is_compiled_once(tmp_path: Path, program: str) -> None:
    assert {"settings", "build", "stack", "documents", "template"} <= compiled(
        copy_sources(tmp_path), program
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_who_wants_no_bytecode_gets_none(tmp_path: Path, program: str) -> None:
    assert compiled(copy_sources(tmp_path), program, PYTHONDONTWRITEBYTECODE="1") == set()
