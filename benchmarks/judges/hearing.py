"""The hearings: judges after our sync, each after its own, and we after each of theirs, on the embedded emulator."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.children import environment
from benchmarks.deployed import Deployed, deploy, emulator_client
from benchmarks.judges.objects import Kind, kinds
from benchmarks.judges.peers import JUDGES, OWN_JUDGES, SYNCS, Judge, Verdict, last_words, run
from deployment.emulator.emulator import Emulator

SOURCE, OURS, EMPTY = "judged-source", "judged-ours", "judged-empty"
# Programs that run at the same time; nothing here is measured.
AT_ONCE = 3
HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)
# How ours compares: as it does by default, and by all metadata.
WAYS: tuple[Mapping[str, Any], ...] = ({}, {"compareMetadata": "all"})
Say = Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """What one judge says of one kind after our sync; `sees` are the objects that it would copy into an empty bucket."""

    judge: str
    kind: str
    objects: int
    verdict: Verdict
    sees: int


@dataclass(frozen=True)
class Planned:
    """What we plan of one kind after a peer's sync, and what is right: both as (keys to copy, keys to delete)."""

    peer: str
    kind: str
    options: str
    plan: tuple[frozenset[str], frozenset[str]]
    right: tuple[frozenset[str], frozenset[str]]
    peer_failed: str


@dataclass(frozen=True)
class Court:
    """The emulator with the filled source bucket and the deployed project."""

    s3: Any
    ours: Deployed
    url: str
    environment: Mapping[str, str]
    kinds: Sequence[Kind]

    def judge_ours(self, say: Say) -> list[Judged]:
        """Sync with ours, then ask every judge about every kind."""
        self.ours.sync(SOURCE, OURS)
        say("ours has synced")
        pairs = [(judge, kind) for kind in self.kinds for judge in JUDGES]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda pair: self._judged(pair[0], pair[1], OURS, say), pairs))

    def judge_itself(self, peer: str, bucket: str, say: Say) -> list[Judged]:
        """Ask a peer's own dry run about its own sync."""
        (judge,) = (judge for judge in JUDGES if judge.name == OWN_JUDGES[peer])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda kind: self._judged(judge, kind, bucket, say), self.kinds))

    def _judged(self, judge: Judge, kind: Kind, bucket: str, say: Say) -> Judged:
        verdict, control = (
            judge.ask((f"{SOURCE}/{kind.folder}", f"{into}/{kind.folder}"), self.url, self.environment)
            for into in (bucket, EMPTY)
        )
        say(f"{judge.name}: {kind.name}: {verdict.words()}")
        return Judged(judge.name, kind.name, len(kind.keys), verdict, control.copy)

    def judge_peer(self, peer: str, bucket: str, say: Say) -> list[Planned]:
        """Sync with a peer, kind by kind, then have ours plan, twice."""
        self.s3.create_bucket(Bucket=bucket)
        failed = {kind.name: self._sync(peer, kind, bucket) for kind in self.kinds}
        say(f"{peer} has synced")
        return [line for options in WAYS for line in self._planned(peer, bucket, options, failed)]

    def _planned(
        self, peer: str, bucket: str, options: Mapping[str, Any], failed: Mapping[str, str]
    ) -> list[Planned]:
        plan, right = self._plan(bucket, options), self._right(bucket, bool(options))
        name = json.dumps(options)[1:-1]
        return [
            Planned(peer, kind.name, name, _of(kind, plan), _of(kind, right), failed[kind.name])
            for kind in self.kinds
        ]

    def _sync(self, peer: str, kind: Kind, bucket: str) -> str:
        """Return why the peer failed, or nothing."""
        command = SYNCS[peer](f"{SOURCE}/{kind.folder}", f"{bucket}/{kind.folder}", self.url)
        status, output = run(command, self.environment)
        return last_words(output) if status else ""

    def _plan(self, destination: str, options: Mapping[str, Any]) -> tuple[set[str], set[str]]:
        """Return the keys that a dry run would copy and delete."""
        report = self.ours.sync(
            SOURCE, destination, dryRun=True, maxDelete="100%", allowEmptySource=True, **options
        )
        work, _, folder = report["report"].removeprefix("s3://").partition("/")
        folder = folder.removesuffix("report.json")
        copies = self._keys(work, f"{folder}copy/") | self._keys(work, f"{folder}large/")
        return copies, self._keys(work, f"{folder}delete/")

    def _keys(self, work: str, folder: str) -> set[str]:
        files = self.s3.list_objects_v2(Bucket=work, Prefix=folder).get("Contents", ())
        bodies = [self.s3.get_object(Bucket=work, Key=one["Key"])["Body"].read() for one in files]
        return {json.loads(line)["key"] for body in bodies for line in body.splitlines()}

    def _right(self, destination: str, with_metadata: bool) -> tuple[set[str], set[str]]:
        """Return what a plan must be, by listings and HEADs: another ETag or, if asked for, other metadata is a copy."""
        here, there = self._etags(SOURCE), self._etags(destination)
        both = here.keys() & there.keys()
        copies = (here.keys() - there.keys()) | {key for key in both if here[key] != there[key]}
        if with_metadata:
            copies |= {
                key for key in both if self._described(SOURCE, key) != self._described(destination, key)
            }
        return copies, there.keys() - here.keys()

    def _etags(self, bucket: str) -> dict[str, str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", ())}

    def _described(self, bucket: str, key: str) -> dict[str, Any]:
        answer = self.s3.head_object(Bucket=bucket, Key=key)
        return {"metadata": answer["Metadata"], **{name: answer.get(name) for name in HEADERS}}


def _of(kind: Kind, plan: tuple[set[str], set[str]]) -> tuple[frozenset[str], frozenset[str]]:
    copies, deletes = (frozenset(key for key in keys if key.startswith(kind.folder)) for keys in plan)
    return copies, deletes


@contextlib.contextmanager
def court() -> Iterator[Court]:
    """Start the emulator, deploy, fill the source; end all of it with the block."""
    with Emulator() as emulator, tempfile.TemporaryDirectory(prefix="judges-") as folder:
        ours = deploy(Path(folder), emulator.environment, emulator.url)
        s3 = emulator_client("s3", emulator.environment)
        for bucket in (SOURCE, OURS, EMPTY):
            s3.create_bucket(Bucket=bucket)
        for kind in kinds():
            for key in kind.full_keys():
                kind.put(s3, SOURCE, key)
        time.sleep(1.1)  # S3 tells times in seconds; some programs copy what is as old as its copy
        token = emulator.environment["AWS_SESSION_TOKEN"]
        known = {
            **environment(emulator.url, token),
            "AWS_ACCESS_KEY_ID": emulator.environment["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": emulator.environment["AWS_SECRET_ACCESS_KEY"],
        }
        yield Court(s3, ours, emulator.url, known, kinds())


@dataclass(frozen=True)
class Heard:
    """What the judges say of ours, each peer's own dry run of its own sync, and what we plan after each peer."""

    of_ours: list[Judged]
    of_themselves: list[Judged]
    plans: list[Planned]


def hear(say: Say) -> Heard:
    """Hear everybody."""
    with court() as one:
        heard = Heard(one.judge_ours(say), [], [])
        for number, peer in enumerate(SYNCS):
            heard.plans.extend(one.judge_peer(peer, f"judged-peer-{number}", say))
            heard.of_themselves.extend(one.judge_itself(peer, f"judged-peer-{number}", say))
    return heard
