"""Keys in ranges and streams, and the parts of copies."""

from __future__ import annotations

import itertools
import random
from typing import Any
from unittest import mock

from virtual_streams import ListedSide, World, in_order_of_keys, sides_of

from lambda_functions.shared.apply import parts
from lambda_functions.shared.apply.parts import Part
from lambda_functions.shared.compare import pieces, positions
from lambda_functions.shared.compare import streams as streams_module
from lambda_functions.shared.compare.key_space import KeySpace
from lambda_functions.shared.compare.pieces import SIDES
from lambda_functions.shared.compare.streams import Streams
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.work_items import ToCopy

from .mutating import text_of
from .running import Target

ALPHABETS = [
    *(
        "ab",
        "0123456789",
        "0123456789abcdef",
        "ab/",
        "a0/",
        "一丁七",
        "\x01\x1f -./0129az~\x7f\x80\u4e00\ud7ff\ue000\ufffd\uffff\U00010000\U0010ffff",
    ),
    *(
        "\ud7ff\ue000",
        "\uffff\U00010000",
        "\ufffd\ufffe\uffff",
        "\U0010ffff\U0010fffe",
        "\x01\x02",
        "\x00a",
        "/",
        "e\u0301é",
        "Ａa",
    ),
]


def draw_streams(chance: random.Random) -> dict[str, Any]:
    keys = sorted({key for _ in range(chance.randint(1, 3)) for key in _folder_of_keys(chance)})
    shares = chance.choices([1.0, 0.9, 0.5, 0.05, 0.0], k=2)
    sides = [[key for key in keys if chance.random() < share] for share in shares]
    bounds = [
        chance.choice(
            [None, None, "", "m", *keys[:3], *keys[-2:], text_of(chance, 2, ["a", "\ud7ff", "\U0010ffff"])]
        )
        for _ in SIDES
    ]
    return {
        "source": sides[0],
        "destination": sides[1],
        "after": bounds[0],
        "upTo": bounds[1],
        "numbers": [
            chance.randint(1, 5),
            chance.choice([1, 8, 1000]),
            chance.choice([8, 2, 1]),
            chance.getrandbits(32),
        ],
        "turns": [chance.randint(1, 60) for _ in range(chance.randint(0, 3))],
        "busy": chance.choice([0, 0, 1]),
    }


def _folder_of_keys(chance: random.Random) -> list[str]:
    alphabet = chance.choice(ALPHABETS)
    prefix = chance.choice(["", "a", "deep/prefix/", "\U0010ffff", "\ud7ff/", "0", "x" * 1000])
    longest = 1024 - len(prefix.encode())
    length = chance.choice([1, 2, 8, 16, 1024])
    made = (
        "".join(chance.choices(alphabet, k=chance.randint(max(1, length - 2), length)))
        for _ in range(chance.choice([1, 3, 30, 150]))
    )
    return [prefix + key.encode()[:longest].decode("utf-8", "ignore") for key in made]


def accepts_streams(case: dict[str, Any]) -> bool:
    """Every key of a range is decided once, beside the other side's, in whatever order pages come and turns end."""
    by_side = [sorted(set(case.get(name, [])), key=str.encode) for name in ("source", "destination")]
    assert by_side == [sorted(keys) for keys in by_side], "the order of UTF-8 is not that of text"
    page_keys, keys_ahead, most_streams, seed = case["numbers"]
    sides = ListedSide(by_side[0], max(1, page_keys)), ListedSide(by_side[1], max(1, page_keys))
    world = World(sides, random.Random(seed), 0.02 * bool(case.get("busy")))
    whole = KeyRange(case.get("after"), case.get("upTo"))
    left = [whole]
    with mock.patch.object(pieces, "KEYS_AHEAD", max(1, keys_ahead)):
        for answers in [*case.get("turns", []), 1_000_000]:
            left = [part for one in left for part in _turn(world, one, max(1, most_streams), max(1, answers))]
    assert left == []
    for side in SIDES:
        wanted = [key for key in by_side[side] if whole.contains(key)]
        assert world.decided(side) == wanted, "a key is decided twice, or never"
    for chunk in world.chunks:
        here, there = ({one.key for one in side} for side in sides_of(chunk))
        assert here & set(by_side[1]) == there & set(by_side[0]), "a key is decided without the other side's"
    return True


def _turn(world: World, key_range: KeyRange, most_streams: int, answers: int) -> list[KeyRange]:
    streams = Streams(key_range, most_streams)
    world.read(streams, answers)
    with (
        mock.patch.object(streams_module, "PAGES_OF_A_LARGE_TURN", 0 if answers % 2 else 10**9),
        mock.patch.object(positions, "LEAST_SHARE", 1.0),
    ):
        remaining = streams.remaining()
    after = key_range.after
    for part in in_order_of_keys([*streams.decided(), *remaining]):
        assert part.after == after, "ranges have a gap, or share keys"
        assert KeyRange.from_json(part.to_json()) == part
        after = part.up_to
    assert after == key_range.up_to, "the end of a range is lost"
    return remaining


def draw_keys(chance: random.Random) -> dict[str, Any]:
    keys = sorted({key for _ in range(2) for key in _folder_of_keys(chance)})
    return {
        "keys": keys,
        "precision": chance.choice([0, 0, 1, 2**20]),
        "shares": [chance.random() for _ in range(5)],
    }


def accepts_keys(case: dict[str, Any]) -> bool:
    """Keys lie on a line in their order, and a place on the line is a text that S3 can be asked with."""
    keys = sorted(set(case["keys"]))
    if len(keys) < 2:
        return False
    space = KeySpace(keys)
    values = [space.value(key) for key in keys]
    assert values == sorted(values), "keys lie on the line in another order"
    for share in case.get("shares", []):
        value = int(values[0] + (values[-1] - values[0]) * share)
        position = space.key_at(value, case.get("precision", 0))
        position.encode()
        assert space.value(position) <= value, "a position is behind the place that was asked for"
    # Behind keys that begin with the last character of all, no position is for certain.
    ordinary = [key for key in keys if "\U0010ffff" not in key]
    assert all(key <= space.end() for key in ordinary), "a key lies behind the end"
    return True


TB = 10**12


def draw_parts(chance: random.Random) -> dict[str, int]:
    near = [0, 1, 5 * 2**20, 16 * 2**30, 512 * 2**20, 5 * 2**30, 50 * TB, 48 * 2**40, 10_000 * 512 * 2**20]
    size = max(
        0,
        chance.choice(
            [
                chance.choice(near) + chance.randint(-2, 2),
                chance.randint(0, 50 * TB),
                chance.randint(0, 10**9),
            ]
        ),
    )
    first = chance.choice(
        [
            5 * 2**20,
            8 * 2**20,
            5 * 2**30,
            max(1, size),
            chance.randint(1, 5 * 2**30),
            max(1, -(-size // 10_000)),
        ]
    )
    return {
        "size": min(size, 50 * TB),
        "first": first,
        "count": chance.choice([1, 2, 7, 10_000, min(10_000, max(1, -(-size // first))), 10_001]),
    }


def accepts_parts(case: dict[str, int]) -> bool:
    """Parts cover an object once, are numbered from 1 to 10,000, and S3 takes their sizes; groups cover the parts once."""
    size, first, count = case.get("size", 0), case.get("first", 1), case.get("count", 1)
    _require_parts(parts.default_parts(size), size)
    item = ToCopy("a", f"{'0' * 32}-{count}", size)
    guessed = parts.guess_parts(item, {"PartsCount": count, "ContentLength": first})
    if guessed is None:
        return False
    assert len(guessed) == count, "another number of parts gets another ETag"
    assert [part.size for part in guessed[:-1]] == [first] * (count - 1)
    _require_cover(guessed, size)
    return True


def _require_parts(found: list[Part], size: int) -> None:
    _require_cover(found, size)
    assert all(5 * 2**20 <= part.size <= 5 * 2**30 for part in found[:-1]), (
        "a part has a size that S3 refuses"
    )
    assert len(found) <= 10_000


def _require_cover(found: list[Part], size: int) -> None:
    ends = [0, *(part.last + 1 for part in found)]
    assert [part.first for part in found] == ends[:-1] and ends[-1] == size, "the parts are not the object"
    assert [part.number for part in found] == list(range(1, len(found) + 1))
    groups = parts.group_parts(found)
    numbers = itertools.chain.from_iterable(range(group["first"], group["last"] + 1) for group in groups)
    assert list(numbers) == [part.number for part in found], "the groups are not the parts"
    for group in groups:
        members = found[group["first"] - 1 : group["last"]]
        is_small = sum(part.size for part in members) <= parts.GROUP_BYTES or len(members) == 1
        assert len(members) <= parts.GROUP_PARTS and is_small, "a group is too large for a worker"


TARGETS = (
    Target("key_ranges", draw_streams, accepts_streams),
    Target("key_order", draw_keys, accepts_keys),
    Target("parts", draw_parts, accepts_parts),
)
