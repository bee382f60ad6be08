"""Whether a record says what a record says: a number that is missing, or is none, is not zero. Pure.

A record has no checksum of its own, because nobody names it before it is written. What stands in it is added up, so what is not
what workers write is a `RunFileBroken`, before anything is concluded from it. So are the sums over records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

Shape = Callable[[Any], bool]
Record = Mapping[str, Any]


def require_turn(folder: RunFolder, name: str, record: Record, start: int) -> Record:
    """Return the record of a turn that began with object number `start`; raise RunFileBroken for what no turn writes."""
    is_stopped = bool(record.get("stopped"))
    position: Any = record.get("next")
    if not _is_count(position) or position < start or (position == start and not is_stopped):
        raise _broken(folder, name, "next")
    return _require(folder, name, record, _OF_A_TURN, {})


def require_range(folder: RunFolder, name: str, record: Record) -> Record:
    """Return the record of a compared range; raise RunFileBroken for what no comparison writes."""
    return _require(folder, name, record, {**_OF_A_TURN, **_OF_A_RANGE}, _SOMETIMES)


def require_sums(folder: RunFolder, name: str, document: Record) -> Record:
    """Return the sums over records that a turn has left; raise RunFileBroken for what no turn writes."""
    return _require(folder, name, document, {**_OF_A_TURN, **_OF_SUMS}, {})


def require_verified(folder: RunFolder, name: str, record: Record) -> Record:
    """Return the record of the comparison at the end of a run; raise RunFileBroken for what none writes."""
    return _require(folder, name, record, {**_OF_A_TURN, **_OF_A_VERIFICATION}, {})


def _require(
    folder: RunFolder, name: str, record: Record, always: Mapping[str, Shape], sometimes: Mapping[str, Shape]
) -> Record:
    for field, fits in always.items():
        if field not in record or not fits(record[field]):
            raise _broken(folder, name, field)
    for field, fits in sometimes.items():
        if field in record and not fits(record[field]):
            raise _broken(folder, name, field)
    return record


def _broken(folder: RunFolder, name: str, field: str) -> RunFileBroken:
    return RunFileBroken(
        f'{folder.address(name)} was overwritten: its "{field}" is not what a run writes. Nothing can be concluded from it'
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _mapping_of(fits: Shape) -> Shape:
    return lambda value: isinstance(value, Mapping) and all(map(fits, value.values()))


def _list_of(fits: Shape) -> Shape:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _is_amount(value: Any) -> bool:
    return isinstance(value, Mapping) and _is_count(value.get("objects")) and _is_count(value.get("bytes"))


def _is_cause(value: Any) -> bool:
    return isinstance(value, Mapping) and _is_count(value.get("objects")) and "example" in value


def _is_file(value: Any) -> bool:
    is_named = isinstance(value, Mapping) and all(
        isinstance(value.get(name), str) for name in ("file", "sha256")
    )
    return is_named and _is_count(value.get("objects"))


def _is_shard(value: Any) -> bool:
    return _is_file(value) and _is_count(value.get("bytes"))


def _is_key_range(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        end in value and isinstance(value[end], str | None) for end in ("after", "upTo")
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_OF_A_TURN: Mapping[str, Shape] = {
    "tally": _mapping_of(_is_amount),
    "causes": _mapping_of(_is_cause),
    "failures": _list_of(_is_file),
    "requests": _mapping_of(_is_count),
    "seconds": _is_number,
}
_OF_A_RANGE: Mapping[str, Shape] = {
    **dict.fromkeys(("listed", "outOfScope", "kept"), _mapping_of(_is_count)),
    **dict.fromkeys(("paired", "orphans", "unprovable", "unusualPages"), _is_count),
    "shards": _mapping_of(_list_of(_is_shard)),
    "broken": _is_text,
    "range": _is_key_range,
    **dict.fromkeys(("decided", "handedBack"), _list_of(_is_key_range)),
}
_OF_SUMS: Mapping[str, Shape] = {
    **dict.fromkeys(("turns", "unfinished_objects", "broken", "unclear", "stopped_objects"), _is_count),
    "unfinished": _list_of(_is_text),
    "breakages": _list_of(lambda value: isinstance(value, Mapping)),
}
_OF_A_VERIFICATION: Mapping[str, Shape] = {
    **dict.fromkeys(("objects", "differences", "writtenMeanwhile", "unprovable"), _is_count),
    **dict.fromkeys(("isWhole", "isStopped"), _is_flag),
    "broken": _is_text,
}
# Of what came later, or is only there where an option asks for it.
_SOMETIMES: Mapping[str, Shape] = {
    **dict.fromkeys(("filtered", "toSend", "asStandard"), _mapping_of(_is_count)),
    "notOverwritten": _is_count,
    "toPay": _mapping_of(_mapping_of(_is_number)),
    "restores": _mapping_of(_is_amount),
}
