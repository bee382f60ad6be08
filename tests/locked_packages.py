"""What requirements.txt asks for, what a lock has, and in what they differ; without a network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

FOR_CHECKS_AND_TESTS = "# Checks and tests"
"""The heading of requirements.txt from which on requirements-demo.lock has nothing."""

ENVIRONMENTS: tuple[dict[str, str], ...] = tuple(
    {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
        "os_name": "nt" if system == "win32" else "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    for python in ("3.11", "3.12", "3.13")
    for system in ("linux", "darwin", "win32")
)

_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_ELSEWHERE = re.compile(r"://|^-|\b(index-url|find-links|trusted-host)\b|@ ", re.MULTILINE)


@dataclass(frozen=True)
class Pin:
    """One version in a lock, and where it is meant to be installed."""

    name: str
    version: Version
    marker: Marker | None
    hashes: tuple[str, ...]

    def holds(self, environment: Mapping[str, str]) -> bool:
        return self.marker is None or self.marker.evaluate(dict(environment))


def requirements(text: str) -> list[Requirement]:
    """Return what a list for people asks for, without folders and reasons."""
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and line[0] not in "#."]


def pins(lock: str) -> list[Pin]:
    """Return the versions of a lock; raise ValueError for a line that is none."""
    joined = re.sub(r"\\\n", " ", lock)
    return [_pin(line) for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _pin(line: str) -> Pin:
    required = Requirement(line.partition(" --hash")[0])
    (exact,) = required.specifier
    if exact.operator != "==":
        raise ValueError(line)
    name = canonicalize_name(required.name)
    return Pin(name, Version(exact.version), required.marker, tuple(_HASH.findall(line)))


def differences(ranges: str, lock: str) -> list[str]:
    """Return a sentence for each thing in a lock that is not as the list for people and a lock should be."""
    locked = pins(lock)
    return sorted(
        {
            *(f"{pin.name} {pin.version} has no hash" for pin in locked if not pin.hashes),
            *(f"names another place: {found}" for found in _ELSEWHERE.findall(_without_hashes(lock))),
            *(
                one
                for environment in ENVIRONMENTS
                for one in _unmet(requirements(ranges), locked, environment)
            ),
        }
    )


def _unmet(
    asked: Iterable[Requirement], locked: Iterable[Pin], environment: Mapping[str, str]
) -> Iterator[str]:
    here = [pin for pin in locked if pin.holds(environment)]
    for name in {pin.name for pin in here}:
        if sum(pin.name == name for pin in here) > 1:
            yield f"{name} is there more than once for one Python"
    versions = {pin.name: pin.version for pin in here}
    for requirement in asked:
        if requirement.marker and not requirement.marker.evaluate({**environment, "extra": ""}):
            continue
        version = versions.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{requirement.name} is missing"
        elif version not in requirement.specifier:
            yield f"{requirement.name} {version} is outside {requirement.specifier}"


def unmet_by(name: str, needs: Iterable[str], extras: Iterable[str], lock: str) -> list[str]:
    """Return in what a lock does not have what one of its packages needs, by that package's own metadata."""
    asked = [Requirement(need) for need in needs]
    locked = pins(lock)
    found = set()
    for environment in ENVIRONMENTS:
        here = [
            one
            for one in asked
            if one.marker is None
            or any(one.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))
        ]
        found |= {f"{name}: {one}" for one in _unmet(map(_unconditional, here), locked, environment)}
    return sorted(found)


def _unconditional(requirement: Requirement) -> Requirement:
    return Requirement(f"{requirement.name}{requirement.specifier}")


def _without_hashes(lock: str) -> str:
    return _HASH.sub("", lock)
