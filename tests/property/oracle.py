"""What a sync must leave behind and must report, computed from what was there before.

Written from the prose of `docs/input.md`, the README and the table "what counts as equal", and from nothing else: it shares
no line and no idea with `lambda_functions/`. Pure functions over plain data; it knows of no emulator.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import oracle_filters

MAX_KEY_BYTES = 1024
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
UNDER_KMS = ("aws:kms", "aws:kms:dsse")
AWS_MANAGED_KEY = "aws/s3"
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Checksum:
    """A checksum as HeadObject tells it: `type` is FULL_OBJECT or COMPOSITE, whose values end with `-<number of parts>`."""

    algorithm: str
    type: str
    value: str


@dataclass(frozen=True)
class Object:
    """One object as S3 has it; `parts` are sizes in bytes, none for an object that was put in one piece.

    `identity` is another number for everything that is written, 0 where nobody can tell; `kms_key` is None but for KMS.
    """

    body: bytes
    etag: str
    modified: int
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    redirect: str | None = None
    storage_class: str = "STANDARD"
    is_restored: bool = False
    encryption: str | None = None
    checksum: Checksum | None = None
    parts: tuple[int, ...] = ()
    identity: int = 0
    kms_key: str | None = None

    @property
    def is_archived(self) -> bool:
        """Whether it cannot be read before it is restored."""
        return self.storage_class in ARCHIVES and not self.is_restored

    @property
    def has_md5(self) -> bool:
        """Whether its ETag is the MD5 of its bytes: one piece, and no key of KMS."""
        return "-" not in self.etag and not self.is_under_kms

    @property
    def is_under_kms(self) -> bool:
        """Whether its ETag tells nothing of its bytes."""
        return self.encryption in UNDER_KMS


Bucket = Mapping[str, Object]


@dataclass(frozen=True)
class Encryption:
    """How S3 encrypts an object, or a bucket what is put into it: a word, and the key where that is one for KMS."""

    word: str = "AES256"
    key: str | None = None

    @property
    def is_kms(self) -> bool:
        """Whether an object's ETag then tells nothing of its bytes."""
        return self.word in UNDER_KMS


def encryption_of_copies(options: Options, default: Encryption) -> Encryption:
    """Return how a copy is encrypted where the destination bucket has this default; how its source was is of no account."""
    word, key = options.get("serverSideEncryption"), options.get("sseKmsKeyId")
    if word is None:
        return default
    if word not in UNDER_KMS:
        return Encryption(word)
    return Encryption(word, key or (default.key if default.is_kms else AWS_MANAGED_KEY))


@dataclass
class Prediction:
    """What a run must do, by destination keys, but for `skipped`: by relative ones. `error` None is success."""

    error: str | None = None
    copies: dict[str, Object] = field(default_factory=dict)
    deletes: dict[str, Object] = field(default_factory=dict)
    current: list[Object] = field(default_factory=list)
    unprovable: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)
    restores: dict[str, Object] = field(default_factory=dict)
    filtered: set[str] = field(default_factory=set)
    kept_orphans: set[str] = field(default_factory=set)
    not_overwritten: set[str] = field(default_factory=set)

    def plan(self) -> dict[str, dict[str, int]]:
        """Return the report's `plan`."""
        plan = {"copy": sized(self.copies.values()), "delete": sized(self.deletes.values())}
        return {**plan, "restore": sized(self.restores.values())} if self.restores else plan

    def acts(self, options: Options) -> bool:
        """Whether anything is done: no guard stops the run, and it is not a dry one."""
        return not self.error and not options.get("dryRun", False)

    def named(self, options: Options) -> dict[str, str]:
        """Return what is named as not synchronised: what is skipped, and what has been asked for."""
        asked = self.restores if self.acts(options) else ()
        return {**self.skipped, **dict.fromkeys(asked, "restoring")}

    def reported(self, options: Options) -> dict[str, Any]:
        """Return what the report must say, but for times, costs, addresses and sentences."""
        acts = self.acts(options)
        nothing = {"copy": sized(()), "delete": sized(())}
        done = self.plan() if acts else nothing
        words = list(self.named(options).values())
        skipped = ["archived", "vanished", "unmappable"] + (["restoring"] if "restore" in options else [])
        return {
            "plan": self.plan(),
            "copied": done["copy"],
            "deleted": done["delete"],
            "current": sized(self.current),
            "skipped": {word: words.count(word) for word in skipped},
            "unprovable": {"objects": len(self.unprovable)},
            "changed": {"objects": 0},
            "failed": {"objects": 0},
            "dryRun": options.get("dryRun", False),
            "outcome": self.error or "Succeeded",
            **self._filtered(options),
        }

    def _filtered(self, options: Options) -> dict[str, Any]:
        filtered = {"source": len(self.filtered), "destination": len(self.kept_orphans)}
        existing = {"objects": len(self.not_overwritten)}
        return {
            **({"filtered": filtered} if oracle_filters.has_filters(options) else {}),
            **({"notOverwritten": existing} if options.get("overwrite", True) is not True else {}),
        }


def sized(objects: Any) -> dict[str, int]:
    """Return a count as reports hold it."""
    sizes = [len(one.body) for one in objects]
    return {"objects": len(sizes), "bytes": sum(sizes)}


def predict(source: Bucket, destination: Bucket, options: Options) -> Prediction:
    """Return what a run with these options must do to these buckets."""
    prefix = options.get("prefix", "")
    into = options.get("destinationPrefix", prefix)
    overlap = prefix.startswith(into) or into.startswith(prefix)
    if (options["source"] == options["destination"] and overlap) or _contradicts_itself(options):
        return Prediction(error="InvalidInput")
    ours, theirs = in_scope(source, prefix, options), in_scope(destination, into, options)
    found = Prediction()
    for key, wanted in ours.items():
        _plan_copy(found, into, key, wanted, theirs.get(key), options)
    if options.get("delete", True):
        orphans = {into + key: there for key, there in theirs.items() if key not in ours}
        found.kept_orphans = {
            key for key, there in orphans.items() if oracle_filters.keeps_orphan(there, options)
        }
        found.deletes = {key: there for key, there in orphans.items() if key not in found.kept_orphans}
    found.error = _refusal(found, len(ours) - len(found.filtered), len(theirs), options)
    return found


def with_restored(source: Bucket, found: Prediction, options: Options) -> Bucket:
    """Return what a source must be after a run: as before, but for the restored copies that it has asked for."""
    asked = found.restores if found.acts(options) else ()
    keys = {options.get("prefix", "") + key for key in asked}
    return {key: replace(one, is_restored=True) if key in keys else one for key, one in source.items()}


def _contradicts_itself(options: Options) -> bool:
    """Tell whether tags would be compared that no copy brings, a key of KMS is named and KMS is not, or filters leave nothing."""
    if oracle_filters.leave_nothing(options):
        return True
    tags = options.get("compareTags", False) and not options.get("copyTags", True)
    return tags or ("sseKmsKeyId" in options and options.get("serverSideEncryption") not in UNDER_KMS)


def in_scope(bucket: Bucket, prefix: str, options: Options) -> dict[str, Object]:
    """Return the objects that a run looks at, by their relative keys."""
    after = options.get("startAfter")
    include, exclude = options.get("include", []), options.get("exclude", [])
    relative = {key[len(prefix) :]: found for key, found in bucket.items() if key.startswith(prefix)}
    return {
        key: found
        for key, found in relative.items()
        if (after is None or key.encode() > after.encode())
        and (not include or any(matches(pattern, key) for pattern in include))
        and not any(matches(pattern, key) for pattern in exclude)
    }


def matches(pattern: str, key: str) -> bool:
    """Tell whether a pattern matches a whole key: `*` any text, `?` one character, `[abc]` one of these, `[!abc]` any other."""
    pieces = re.findall(r"\[!?[^\]]+\]|.", pattern, re.DOTALL)
    return bool(re.fullmatch("".join(map(_regular, pieces)), key, re.DOTALL))


def _regular(piece: str) -> str:
    if piece in ("*", "?"):
        return ".*" if piece == "*" else "."
    if len(piece) == 1:
        return re.escape(piece)
    other = piece.startswith("[!")
    return f"[{'^' if other else ''}{''.join(map(re.escape, piece[2 if other else 1 : -1]))}]"


def _plan_copy(
    found: Prediction, into: str, key: str, wanted: Object, there: Object | None, options: Options
) -> None:
    """Put one source object where it belongs."""
    if not oracle_filters.passes(wanted, options):
        found.filtered.add(into + key)
        return
    if not 1 <= len((into + key).encode()) <= MAX_KEY_BYTES:
        found.skipped[key] = "unmappable"
        return
    verdict = decide(wanted, there, options.get("compareMetadata", True)) if there else "copy"
    if there and verdict == "current" and options.get("compareTags", False) and wanted.tags != there.tags:
        verdict = "copy"
    if there and oracle_filters.stays(wanted, there, options):
        _let_stay(found, into + key, wanted, there, options)
        return
    if verdict == "unprovable":
        found.unprovable.add(into + key)
        verdict = "copy" if options.get("unprovable", "copy") == "copy" else "current"
    if there and needs_heads(wanted, there, options.get("compareMetadata", True)):
        found.undecided.add(into + key)
    if verdict == "current":
        found.current.append(wanted)
    elif wanted.is_archived and "restore" in options:
        found.restores[key] = wanted
    elif wanted.is_archived:
        found.skipped[key] = "archived"
    else:
        found.copies[into + key] = wanted


def _let_stay(found: Prediction, key: str, wanted: Object, there: Object, options: Options) -> None:
    """Put an object where it belongs that is not to be overwritten: nobody asks about it, so only listings call it current."""
    is_same = len(wanted.body) == len(there.body) and same_etags(wanted.etag, there.etag)
    is_asked = needs_heads(wanted, there, options.get("compareMetadata", True)) or options.get("compareTags")
    if is_same and not is_asked:
        found.current.append(wanted)
    else:
        found.not_overwritten.add(key)


def _refusal(found: Prediction, sources: int, destinations: int, options: Options) -> str | None:
    """Return the error if a guard stops the run; a plan of anything costs more than a millionth of a dollar, and no thousand."""
    deletes = len(found.deletes)
    if deletes and not sources and not options.get("allowEmptySource", False):
        return "DeletionRefused"
    most = options.get("maxDelete")
    if isinstance(most, str):
        most = Fraction(most.rstrip("%")) * destinations // 100
    looks_wrong = most is None and deletes > 1000 and 2 * deletes > destinations
    if looks_wrong or (most is not None and deletes > most):
        return "DeletionRefused"
    is_dear = options.get("maxCostUsd", 1000) < 1 and (deletes or found.copies or found.restores)
    return "CostRefused" if is_dear else None


def decide(source: Object, there: Object, compare_metadata: bool | str) -> str:
    """Return `copy`, `current` or `unprovable` for a pair: the table of what counts as equal, line by line."""
    is_newer = source.modified > there.modified
    if len(source.body) != len(there.body):
        return "copy"
    is_same = same_etags(source.etag, there.etag)
    if is_newer and not is_same:
        return "copy"
    proved = "current" if is_same else _by_checksum(source, there)
    is_asked = needs_heads(source, there, compare_metadata)
    drifted = is_asked and compare_metadata and drifts(source, there)
    return "copy" if proved == "current" and drifted else proved


def _by_checksum(source: Object, there: Object) -> str:
    """Return what two HEADs with ChecksumMode prove about a pair whose ETags differ."""
    mine, other = source.checksum, there.checksum
    if mine and other and (mine.algorithm, mine.type) == (other.algorithm, other.type):
        return "current" if mine.value == other.value else "copy"
    if mine and other and mine.algorithm == other.algorithm and _is_of_one_part_and_whole(mine, other):
        return "current" if source.body == there.body else "copy"
    return "copy" if source.has_md5 and there.has_md5 else "unprovable"


def _is_of_one_part_and_whole(mine: Checksum, other: Checksum) -> bool:
    """Tell whether one checksum is that of the bytes and the other the checksum of that, as of an upload in one part."""
    composites = [checksum.value for checksum in (mine, other) if checksum.type == "COMPOSITE"]
    return len(composites) == 1 and composites[0].endswith("-1")


def needs_heads(source: Object, there: Object, compare_metadata: bool | str) -> bool:
    """Tell whether the listings cannot decide a pair, so that both objects have to be asked."""
    if len(source.body) != len(there.body):
        return False
    is_newer = source.modified > there.modified
    if same_etags(source.etag, there.etag):
        return compare_metadata == "all" or (is_newer and bool(compare_metadata))
    return not is_newer


def same_etags(one: str, other: str) -> bool:
    """Tell whether two ETags say the same: equal, or one `X-1` where X is the MD5 of the other's 16 bytes."""
    return one == other or _is_of_one_part(one, other) or _is_of_one_part(other, one)


def _is_of_one_part(etag: str, plain: str) -> bool:
    return "-" not in plain and etag == f"{hashlib.md5(bytes.fromhex(plain)).hexdigest()}-1"


def drifts(source: Object, there: Object) -> bool:
    """Tell whether a copy would describe the same bytes in another way; one in one piece, if not empty, brings no redirect."""
    if (dict(source.headers), dict(source.metadata)) != (dict(there.headers), dict(there.metadata)):
        return True
    can_bring_redirect = not source.body or len(source.parts) > 1
    return source.redirect != there.redirect and (can_bring_redirect or there.redirect is not None)


def etag_of(body: bytes, parts: tuple[int, ...]) -> str:
    """Return the ETag that S3 gives these bytes, without a key of KMS, put in such parts."""
    if not parts:
        return hashlib.md5(body).hexdigest()
    digests, start = b"", 0
    for size in parts:
        digests += hashlib.md5(body[start : start + size]).digest()
        start += size
    return f"{hashlib.md5(digests).hexdigest()}-{len(parts)}"
