"""Parts `sync` and `latency`: whole syncs on one emulator, behind one proxy that counts and may delay, the same for everybody.

Every tool has a destination of its own: first an empty one, then nothing to do, then one object in a hundred has changed. After
each sync both buckets are listed and must be equal.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config

from benchmarks.children import CommandFailed, Server, environment, measure, server
from benchmarks.deployed import Deployed, deploy, emulator_client
from benchmarks.planning import Say
from benchmarks.tools import OURS, Tool
from deployment.emulator.emulator import Emulator

SOURCE = "benchmark-source"
WRITERS = 16
CHANGED_EVERY = 100
SCENARIOS = ("first sync", "nothing to do", "1 % changed")


@dataclass(frozen=True)
class Synced:
    """What one tool took for one scenario, medians over `rounds`; `requests` to the two buckets, `work_requests` to ours."""

    tool: str
    scenario: str
    objects: int
    delay_ms: tuple[float, float]
    wall_seconds: float
    rounds: int
    requests: dict[str, int]
    work_requests: dict[str, int]


@dataclass(frozen=True)
class Stage:
    """The emulator with the source bucket and the deployed project, and the proxy before it."""

    s3: Any
    proxy: Server
    ours: Deployed
    objects: int

    def put_objects(self, every: int, body: str) -> None:
        """Write one object in so many."""
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(lambda number: self._put(number, body), range(0, self.objects, every)))

    def _put(self, number: int, body: str) -> None:
        key = f"photos/{number // 1000:06d}/img-{number % 1000:04d}.jpg"
        self.s3.put_object(Bucket=SOURCE, Key=key, Body=f"{body} {number}".encode())

    def listed(self, bucket: str) -> list[tuple[str, str, int]]:
        """Return key, ETag and size of every object."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [(one["Key"], one["ETag"], one["Size"]) for page in pages for one in page.get("Contents", ())]

    def sync(self, tool: Tool, destination: str) -> float:
        """Sync once, and see that it was done; return the seconds on the wall clock."""
        began = time.monotonic()
        if tool.sync is None:
            self.ours.sync(SOURCE, destination)
        else:
            token = self.ours.environment["AWS_SESSION_TOKEN"]
            measure(tool.sync(SOURCE, destination, self.proxy.url), environment(self.proxy.url, token))
        seconds = time.monotonic() - began
        if self.listed(SOURCE) != self.listed(destination):
            raise CommandFailed(f"after {tool.name} the destination is not equal to the source")
        return seconds


@contextlib.contextmanager
def stage(objects: int) -> Iterator[Stage]:
    """Start emulator and proxy, deploy, fill the source bucket; end all of it with the block."""
    with (
        Emulator() as emulator,
        server("benchmarks.proxy", str(emulator.port)) as proxy,
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
    ):
        ours = deploy(Path(folder), emulator.environment, proxy.url)
        s3 = emulator_client("s3", emulator.environment, Config(max_pool_connections=WRITERS))
        s3.create_bucket(Bucket=SOURCE)
        filled = Stage(s3, proxy, ours, objects)
        filled.put_objects(1, "object")
        yield filled


def sync_all(
    objects: int, tools: Sequence[Tool], rounds: int, delay_ms: tuple[float, float], say: Say
) -> list[Synced]:
    """Measure all tools in all scenarios, in turns."""
    runs: list[Synced] = []
    with stage(objects) as one:
        one.proxy.told(f"/-/delay/{delay_ms[0]}/{delay_ms[1]}")
        for number in range(rounds):
            runs += _round(one, number, tools, delay_ms, say)
    return [
        _median([run for run in runs if (run.tool, run.scenario) == (tool.name, scenario)])
        for scenario in SCENARIOS
        for tool in tools
    ]


def _round(
    one: Stage, number: int, tools: Sequence[Tool], delay_ms: tuple[float, float], say: Say
) -> Iterator[Synced]:
    buckets = {tool.name: f"benchmark-{number}-{index}" for index, tool in enumerate(tools)}
    for bucket in buckets.values():
        one.s3.create_bucket(Bucket=bucket)
    time.sleep(1.1)  # S3 tells times in seconds; some tools copy what is as old as its copy
    before: Mapping[str, Callable[[], None]] = {
        "1 % changed": lambda: one.put_objects(CHANGED_EVERY, "changed " * (number + 1))
    }
    for scenario in SCENARIOS:
        before.get(scenario, lambda: None)()
        for tool in tools:
            one.proxy.told()
            seconds = one.sync(tool, buckets[tool.name])
            buckets_asked = _split(one.proxy.told(), (SOURCE, buckets[tool.name]))
            say(f"{tool.name}: {scenario}: {seconds:.2f} s, {sum(buckets_asked[0].values()):,} requests")
            yield Synced(tool.name, scenario, one.objects, delay_ms, seconds, 1, *buckets_asked)


def _split(counts: Mapping[str, int], data_buckets: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the requests by kind to the two buckets that are synced, and those to others: our work bucket."""
    data: dict[str, int] = {}
    work: dict[str, int] = {}
    for name, count in counts.items():
        bucket, _, kind = name.partition(" ")
        into = data if bucket in data_buckets else work
        into[kind] = into.get(kind, 0) + count
    return dict(sorted(data.items())), dict(sorted(work.items()))


def _median(runs: Sequence[Synced]) -> Synced:
    """Return the median of the seconds; requests are those of the last round."""
    last = runs[-1]
    seconds = statistics.median(run.wall_seconds for run in runs)
    asked = (last.requests, last.work_requests)
    return Synced(last.tool, last.scenario, last.objects, last.delay_ms, seconds, len(runs), *asked)


def order(peers: Sequence[Tool]) -> tuple[Tool, ...]:
    """Return the tools of these parts: we go first, so that the cold starts of our functions are in our figures."""
    return (OURS, *peers)
