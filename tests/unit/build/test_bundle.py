"""The zips: what is in them, that they are the same everywhere, and that Lambda can import from them."""

from __future__ import annotations

import hashlib
import io
import os
import random
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT

from deployment.build import bundle
from deployment.build.bundle import Bundle
from deployment.checks import check
from deployment.errors import FrontMatterError
from deployment.project.front_matter import FunctionSpec, read, read_all
from deployment.project.settings import Settings

SOURCE = """\
# ---
# Timeout: 3
# ---
from lambda_functions.shared.words import GREETING


def handler(event, context):
    return GREETING
"""


LITTER = (
    ".DS_Store", "words.py~", "words.pyc", ".words.py.swp", "words.swp", "Thumbs.db", "desktop.ini", "#words.py#",
    "._words.py", "words.py.orig", ".gitkeep",
)  # fmt: skip


def made_of(spec: FunctionSpec, project: Path) -> Bundle:
    (made,) = bundle.make_all([spec], project)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def make_project(folder: Path) -> Path:
    shared = folder / "lambda_functions" / "shared"
    (shared / "deeper").mkdir(parents=True)
    (shared / "words.py").write_bytes(b'GREETING = "hello"\n')
    (shared / "deeper" / "table.json").write_bytes(b"{}\n")
    (folder / "lambda_functions" / "greet.py").write_bytes(SOURCE.encode())
    (folder / "lambda_functions" / "other.py").write_bytes(SOURCE.encode())
    return folder


def spec_of(project: Path, name: str = "greet") -> FunctionSpec:
    return read(project / "lambda_functions" / f"{name}.py")


def names(made: bundle.Bundle) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(made.content)).namelist()


def test_a_zip_holds_the_function_and_all_of_shared_under_their_paths(project):
    assert names(made_of(spec_of(project), project)) == [
        "lambda_functions/greet.py",
        "lambda_functions/shared/deeper/table.json",
        "lambda_functions/shared/words.py",
    ]


def test_what_python_and_editors_leave_behind_changes_nothing(project):
    before = made_of(spec_of(project), project)
    shared = project / "lambda_functions" / "shared"
    (shared / "__pycache__").mkdir()
    (shared / "__pycache__" / "words.cpython-313.pyc").write_bytes(b"x")
    for litter in LITTER:
        (shared / litter).write_bytes(b"x")
    assert made_of(spec_of(project), project) == before


def test_links_are_followed_and_one_that_leads_back_ends_there(project, tmp_path_factory):
    shared = project / "lambda_functions" / "shared"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "more.py").write_text("")
    (elsewhere / "back").symlink_to(shared)
    (shared / "linked").symlink_to(elsewhere)
    (shared / "one.py").symlink_to(elsewhere / "more.py")
    (shared / "itself").symlink_to(shared)
    (shared / "project").symlink_to(project)
    (shared / ".#words.py").symlink_to("somebody@somewhere")
    assert names(made_of(spec_of(project), project)) == [
        "lambda_functions/greet.py",
        "lambda_functions/shared/deeper/table.json",
        "lambda_functions/shared/linked/more.py",
        "lambda_functions/shared/one.py",
        "lambda_functions/shared/words.py",
    ]


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("nowhere.py", "missing.py", "the link leads to missing.py, which is not there; fix it or remove it"),
        ("round", "round", "the link leads back to itself; fix it or remove it"),
        ("pipe.py", os.devnull, "this is a pipe, a socket or a device: expected a file; move it away"),
        ("more.PY", "words.py", "Python imports *.py files only; rename it to more.py"),
    ],
)
def test_a_shared_file_that_would_be_of_no_use_is_named_by_fab_and_by_its_check(
    project, name, target, message
):
    spec = spec_of(project)
    (project / "lambda_functions" / "shared" / name).symlink_to(target)
    with pytest.raises(FrontMatterError) as caught:
        made_of(spec, project)
    assert str(caught.value) == f"lambda_functions/shared/{name}: {message}"
    found = check.check(project, Settings(source_buckets=("abc",))).problems
    assert str(caught.value) in [str(problem) for problem in found]


def test_shared_files_whose_names_differ_in_capitals_only_are_named(project):
    (project / "lambda_functions" / "shared" / "Words.py").write_text("")
    assert [str(problem) for problem in bundle.problems(project / "lambda_functions")] == [
        "lambda_functions/shared/words.py: "
        "differs from Words.py in capitals only: one file on macOS and Windows; rename one"
    ]


def test_a_shared_folder_that_may_not_be_listed_is_named(project, monkeypatch):
    listed = Path.iterdir

    def refused(path: Path) -> object:
        if path.name == "deeper":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    found = [str(problem) for problem in bundle.problems(project / "lambda_functions")]
    assert found == ["lambda_functions/shared/deeper: this cannot be read: Permission denied"]


def test_more_than_lambda_takes_is_refused_before_it_is_read(project):
    for name in ("a.bin", "b.bin"):
        with (project / "lambda_functions" / "shared" / name).open("wb") as file:
            file.truncate(bundle.MAX_CODE_BYTES // 2)
    assert [str(problem) for problem in bundle.problems(project / "lambda_functions")] == [
        "lambda_functions/shared/: this comes to 250.0 MiB: expected 250.0 MiB at most, as Lambda takes no more"
    ]


def test_a_link_into_a_huge_tree_is_not_followed_to_its_end(project, monkeypatch):
    monkeypatch.setattr(bundle, "MAX_FILES", 1)
    assert [str(problem) for problem in bundle.problems(project / "lambda_functions")] == [
        "lambda_functions/shared: there are more than 1 files here: does a link lead out of the project?"
    ]


def test_a_checkout_with_windows_line_ends_is_the_same_deployment(project):
    before = bundle.make_all((spec_of(project), spec_of(project, "other")), project)
    for path in [*project.rglob("*.py"), *project.rglob("*.json")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert bundle.make_all((spec_of(project), spec_of(project, "other")), project) == before


def test_data_whose_line_ends_may_matter_stays_as_it_is(project):
    (project / "lambda_functions" / "shared" / "table.csv").write_bytes(b"a,b\r\n")
    archive = zipfile.ZipFile(io.BytesIO(made_of(spec_of(project), project).content))
    assert archive.read("lambda_functions/shared/table.csv") == b"a,b\r\n"


def test_every_text_of_this_project_is_checked_out_with_the_same_line_ends():
    assert "* text=auto eol=lf" in (PROJECT / ".gitattributes").read_text(encoding="utf-8").splitlines()


def test_what_is_checked_is_what_is_in_the_zip(project, tmp_path_factory):
    shared = project / "lambda_functions" / "shared"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "more.py").write_text("import requests\n")
    (shared / "linked").symlink_to(elsewhere)
    (shared / "itself").symlink_to(shared)
    problems = check.check(project, Settings(source_buckets=("abc",))).problems
    of_sources = [problem.path for problem in problems if problem.path.startswith("lambda_functions")]
    assert of_sources == ["lambda_functions/shared/linked/more.py"]


def test_the_key_is_the_function_and_the_hash_of_the_zip(project):
    made = made_of(spec_of(project), project)
    assert made.function_name == "greet"
    assert made.key == f"greet-{hashlib.sha256(made.content).hexdigest()[:16]}.zip"


def test_the_zip_depends_on_contents_and_paths_only(project, tmp_path_factory):
    made = made_of(spec_of(project), project)
    copy = make_project(tmp_path_factory.mktemp("elsewhere"))
    for path in copy.rglob("*.py"):
        path.chmod(0o755)
        os.utime(path, (time.time() - 1_000_000,) * 2)
    assert made_of(spec_of(copy), copy) == made


def test_the_bytes_are_the_same_on_every_machine(project):
    """A golden hash: should another Python write zips otherwise, every function would be deployed again."""
    assert made_of(spec_of(project), project).key == "greet-2c99fd2a42a7bd9c.zip"


def test_each_entry_is_a_stored_regular_file_from_1980(project):
    archive = zipfile.ZipFile(io.BytesIO(made_of(spec_of(project), project).content))
    for entry in archive.infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == stat.S_IFREG | 0o644
        assert (entry.create_system, entry.compress_type) == (3, zipfile.ZIP_STORED)


@given(st.dictionaries(st.text(st.characters(categories=("L", "N")), min_size=1), st.binary()), st.randoms())
def test_the_order_in_which_files_are_found_makes_no_difference(
    files: dict[str, bytes], shuffle: random.Random
):
    shuffled = list(files.items())
    shuffle.shuffle(shuffled)
    content = bundle.zip_files(dict(shuffled))
    assert content == bundle.zip_files(files)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_change_of_shared_code_changes_every_zip_and_a_change_of_a_function_only_its_own(project):
    def keys() -> list[str]:
        return [made.key for made in bundle.make_all((spec_of(project), spec_of(project, "other")), project)]

    first = keys()
    (project / "lambda_functions" / "greet.py").write_text(SOURCE + "# changed\n")
    second = keys()
    (project / "lambda_functions" / "shared" / "words.py").write_text('GREETING = "hi"\n')
    third = keys()
    assert (first[0] != second[0], first[1] == second[1]) == (True, True)
    assert not set(second) & set(third)


def test_a_function_without_shared_code_is_a_zip_of_one_file(tmp_path):
    (tmp_path / "functions").mkdir()
    path = tmp_path / "functions" / "alone.py"
    path.write_text(SOURCE)
    assert names(made_of(read(path), tmp_path)) == ["functions/alone.py"]


def test_lambda_can_import_the_handler_from_the_zip(project, tmp_path_factory):
    """As the runtime does it: the part before the last dot is imported, with its slashes as dots."""
    spec = spec_of(project)
    task = tmp_path_factory.mktemp("var_task")
    zipfile.ZipFile(io.BytesIO(made_of(spec, project).content)).extractall(task)
    code = """
import importlib, sys
module, function = sys.argv[1].rsplit(".", 1)
print(getattr(importlib.import_module(module.replace("/", ".")), function)({}, None))
"""
    command = [sys.executable, "-c", code, spec.handler]
    assert subprocess.run(command, cwd=task, capture_output=True, text=True, check=True).stdout == "hello\n"


def test_every_one_of_our_lambdas_can_be_imported_from_its_zip(tmp_path):
    for spec in read_all(PROJECT / "lambda_functions"):
        task = tmp_path / spec.name
        zipfile.ZipFile(io.BytesIO(made_of(spec, PROJECT).content)).extractall(task)
        module = spec.handler.rsplit(".", 1)[0].replace("/", ".")
        code = f"import {module} as module; assert callable(module.handler)"
        environment = {**os.environ, "WORK_BUCKET": "work", "DEPLOYMENT_BUCKET": "zips"}
        found = subprocess.run(
            [sys.executable, "-c", code],
            cwd=task,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert found.returncode == 0, found.stderr
