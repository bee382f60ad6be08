"""Which objects of the destination a comparison has found current, in eight bytes each, for the end of a run that verifies.

A record only counts what is current. When the source has nothing under a key any more, that tells nothing about the object at the
destination: was its source deleted meanwhile, or should it never have been there? So a run that verifies writes down a digest of
key and ETag of everything that it finds current, some 100,000 in a file. Of a million objects no two have the same one, but for a
chance of one in thirty million (2^39 pairs, 2^64 digests).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Set
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from lambda_functions.shared.work_bucket.run_folder import RunFolder

DIGEST_BYTES = 8
DIGESTS_A_FILE = 100_000

File = Mapping[str, Any]


def digest(key: str, etag: str) -> bytes:
    """Return what stands for an object: eight bytes of a BLAKE2b over its key and its ETag."""
    return hashlib.blake2b(f"{key}\n{etag}".encode(), digest_size=DIGEST_BYTES).digest()


@dataclass
class FoundCurrent:
    """Collects digests, and writes them with a pool while more are added; `name` is that of the range and the attempt."""

    folder: RunFolder
    name: str
    pool: Executor
    _digests: bytearray = field(default_factory=bytearray)
    _written: list[Future[dict[str, Any]]] = field(default_factory=list)

    def add(self, key: str, etag: str) -> None:
        """Add one object of the destination."""
        self._digests += digest(key, etag)
        if len(self._digests) >= DIGESTS_A_FILE * DIGEST_BYTES:
            self._flush()

    def close(self) -> list[dict[str, Any]]:
        """Write what is left; return what names the files, for the record."""
        if self._digests:
            self._flush()
        return [file.result() for file in self._written]

    def _flush(self) -> None:
        name = f"current/{self.name}-{len(self._written) + 1:04d}.jsonl"
        line = {"digests": base64.b64encode(self._digests).decode()}
        self._digests = bytearray()
        self._written.append(self.pool.submit(self.folder.write_lines, name, [line]))


def find(folder: RunFolder, file: File, wanted: Set[bytes]) -> Iterable[bytes]:
    """Return which of these digests a file has."""
    (line,) = folder.read_lines(file)
    digests = base64.b64decode(line["digests"])
    return wanted & {digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)}
