"""The locks against the list for people, and against what their packages need of each other; `.ci/lock` makes them anew."""

from __future__ import annotations

import importlib.metadata
import re

import pytest
from packaging.utils import canonicalize_name
from places import PROJECT

from tests.locked_packages import FOR_CHECKS_AND_TESTS, differences, pins, requirements, unmet_by

RANGES = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
DEMO_RANGES = RANGES.partition(FOR_CHECKS_AND_TESTS)[0]
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
DEMO_LOCK = (PROJECT / "requirements-demo.lock").read_text(encoding="utf-8")
HASH = f"--hash=sha256:{'0' * 64}"
MAKE_ANEW = "run .ci/lock"


def test_the_lock_has_what_the_list_for_people_asks_for() -> None:
    assert differences(RANGES, LOCK) == [], MAKE_ANEW


def test_the_lock_of_the_demo_has_what_deploying_and_the_demo_ask_for_and_nothing_of_checks_and_tests() -> (
    None
):
    assert differences(DEMO_RANGES, DEMO_LOCK) == [], MAKE_ANEW
    only_tests = {one.name for one in requirements(RANGES)} - {one.name for one in requirements(DEMO_RANGES)}
    assert "cfn-lint" in only_tests
    assert {canonicalize_name(name) for name in only_tests} & {pin.name for pin in pins(DEMO_LOCK)} == set()


def test_the_lock_of_the_demo_is_a_part_of_the_whole() -> None:
    whole = {(pin.name, pin.version, str(pin.marker), pin.hashes) for pin in pins(LOCK)}
    part = {(pin.name, pin.version, str(pin.marker), pin.hashes) for pin in pins(DEMO_LOCK)}
    assert part - whole == set(), MAKE_ANEW
    assert len(part) < len(whole) * 0.6


@pytest.mark.parametrize("lock", [LOCK, DEMO_LOCK], ids=["whole", "demo"])
def test_what_is_installed_as_it_is_locked_finds_in_the_lock_all_that_it_needs(lock: str) -> None:
    extras = {canonicalize_name(one.name): one.extras for one in requirements(RANGES)}
    unmet = []
    for pin in pins(lock):
        try:
            installed = importlib.metadata.distribution(pin.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        if installed.version == str(pin.version):
            unmet += unmet_by(pin.name, installed.requires or (), extras.get(pin.name, ()), lock)
    assert unmet == [], MAKE_ANEW


@pytest.mark.parametrize("lock", [LOCK, DEMO_LOCK], ids=["whole", "demo"])
def test_boto3_botocore_and_ministack_are_locked_together(lock: str) -> None:
    versions = {pin.name: str(pin.version) for pin in pins(lock)}
    assert versions["boto3"] == versions["botocore"]
    if importlib.metadata.version("ministack") != versions["ministack"]:
        pytest.skip("another ministack is installed than the locked one, so its needs are not known")
    needs = importlib.metadata.requires("ministack") or []
    assert f"botocore=={versions['botocore']}" in needs


def test_every_line_for_people_has_its_reason() -> None:
    lines = [line for line in RANGES.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.search(r"  # \w|  # `", line)] == []
    assert {"boto3", "fabric", "pyyaml", "python-frontmatter", "moto", "pytest"} <= {
        one.name for one in requirements(RANGES)
    }


# --- That the test would say it -----------------------------------------------------------------------------

GOOD = f"""\
# made by a tool
moto==5.2.5 \\
    {HASH}
    # via -r -
old==1.0 ; python_full_version < '3.12' \\
    {HASH} \\
    {HASH}
old==2.0 ; python_full_version >= '3.12' \\
    {HASH}
"""


def test_a_lock_that_fits_differs_in_nothing() -> None:
    assert differences("moto[s3]>=5.2.5,<5.3  # why\n./fab_command\nold", GOOD) == []


@pytest.mark.parametrize(
    ("ranges", "lock", "said"),
    [
        ("moto\nnew_one>=3", GOOD, "new_one is missing"),
        ("moto>=5.3", GOOD, "moto 5.2.5 is outside >=5.3"),
        ("moto<5.2", GOOD, "moto 5.2.5 is outside <5.2"),
        ("moto==5.2.4", GOOD, "moto 5.2.5 is outside ==5.2.4"),
        ("old>=2", GOOD, "old 1.0 is outside >=2"),
        ("old", GOOD.replace("'3.12'", "'3.13'", 1), "old is there more than once for one Python"),
        ("old", GOOD.replace("'3.12'", "'3.11'", 1), "old is missing"),
        ("moto", GOOD.replace(f"5 \\\n    {HASH}", "5", 1), "moto 5.2.5 has no hash"),
        ("moto", f"# --index-url https://packages.example.com/simple\n{GOOD}", "names another place: "),
        ("moto", GOOD.replace("# made by a tool", "# from http://10.0.0.1/simple"), "names another place: "),
    ],
)
def test_what_has_parted_is_said(ranges: str, lock: str, said: str) -> None:
    assert [one for one in differences(ranges, lock) if one.startswith(said)]


@pytest.mark.parametrize("line", ["moto>=5", "moto", "-r other.txt", "./folder", "moto==5.2.5,>=5"])
def test_a_line_that_is_no_exact_version_is_an_error(line: str) -> None:
    with pytest.raises(ValueError):
        pins(f"{GOOD}{line} {HASH}\n")


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (["moto==5.2.5", "old; python_version < '3.12'"], []),
        (["absent; extra == 'all'"], []),
        (["absent; extra == 's3'"], ["it: absent is missing"]),
        (["moto==5.2.4"], ["it: moto 5.2.5 is outside ==5.2.4"]),
        (
            ["old<2; python_version < '3.12'", "old<2; python_version >= '3.13'"],
            ["it: old 2.0 is outside <2"],
        ),
    ],
)
def test_what_a_package_needs_is_looked_for_in_the_lock(needs: list[str], said: list[str]) -> None:
    assert unmet_by("it", needs, ["s3"], GOOD) == said


# --- The commands -------------------------------------------------------------------------------------------


def command(mark: str) -> list[str]:
    """Return the lines of the command in the README behind a comment."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^<!-- {mark} -->\n```\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].split("\n")


@pytest.mark.parametrize(
    ("mark", "lock", "end"),
    [
        ("demo", "--no-compile --require-hashes -r requirements-demo.lock", ".venv/bin/fab demo"),
        ("tests", "--require-hashes -r requirements.lock", ".venv/bin/python -m pytest -q -n auto"),
    ],
)
def test_the_commands_of_the_readme_install_a_lock_with_its_hashes(mark: str, lock: str, end: str) -> None:
    assert command(mark) == [
        "python3 -m venv .venv &&",
        f".venv/bin/pip install -q {lock} &&",
        ".venv/bin/pip install -q --no-deps --no-build-isolation ./fab_command &&",
        end,
    ]


def test_what_builds_our_own_fab_is_in_every_lock_as_it_asks_for() -> None:
    project = (PROJECT / "fab_command" / "pyproject.toml").read_text(encoding="utf-8")
    (needed,) = re.findall(r'^requires = \["(.*)"\]$', project, re.MULTILINE)
    assert needed in DEMO_RANGES
    for lock in (LOCK, DEMO_LOCK):
        assert differences(needed, lock) == []


def test_ci_installs_the_lock_with_its_hashes_too() -> None:
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    installed = [line for line in script.splitlines() if "/pip" in line]
    assert installed and "--require-hashes -r requirements.lock" in installed[0]
    assert all(
        re.search(r"--require-hashes|--no-deps --no-build-isolation ./fab_command$", line)
        for line in installed
    )
