"""Keys as numbers: in order, there and back, and where one would expect them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shapes import SHAPES
from lambda_functions.shared.compare.key_space import LAST, LENGTH, KeySpace

NASTY = "\x01\x1f -./0129az~\x7f\x80é一丁\ud7ff\ue000\uffff\U00010000\U0010ffff"
KEYS = st.text(NASTY, max_size=8) | st.text("ab/", max_size=8) | st.text("0123456789/", max_size=12)
FINEST = 1


@given(st.lists(KEYS, max_size=20), st.lists(KEYS, max_size=10))
def test_values_are_in_the_order_of_keys_and_on_the_line(seen: list[str], others: list[str]) -> None:
    space = KeySpace(seen)

    values = [space.value(key) for key in sorted({*seen, *others})]

    assert all(0 <= value <= LENGTH for value in values)
    assert all(one <= other for one, other in pairwise(values))


@given(st.lists(KEYS, max_size=20), st.integers(0, LENGTH), st.integers(FINEST, LENGTH))
def test_a_position_is_at_its_value_or_a_bit_before_it_and_can_be_sent(
    seen: list[str], value: int, precision: int
) -> None:
    space = KeySpace(seen)

    position = space.key_at(value, precision)

    assert space.value(position) <= value
    position.encode()  # no half characters


NAMES = st.text(NASTY.replace("/", "").replace(LAST, ""), min_size=1, max_size=8)


@given(st.lists(NAMES, min_size=1, max_size=20), st.sampled_from(["", "a/", "photos/2024/"]))
def test_all_keys_of_a_folder_that_were_seen_lie_before_the_end(names: list[str], folder: str) -> None:
    seen = [folder + name for name in names]

    assert max(seen) < KeySpace(seen).end()


@pytest.mark.parametrize(
    ("seen", "end"),
    [
        (["photos/1/a", "photos/2/b"], f"photos/{LAST}"),
        (["a", "b"], LAST),
        ([], LAST),
        (["company/europe/x1", "company/europe/x2"], f"company/europe/x{LAST}"),
        (["x1", "x2"], f"x{LAST}"),
    ],
)
def test_the_end_is_behind_what_all_keys_begin_with(seen: list[str], end: str) -> None:
    assert KeySpace(seen).end() == end


@pytest.mark.parametrize(
    ("seen", "low", "high", "middle"),
    [
        (["000", "001"], "000", "999", ("4", "5")),
        (["00", "0a", "ff"], "00", "ff", ("7", "8")),
        (["2024/01/01", "2024/06/15"], "2024/00", "2024/99", ("2024/4", "2024/5")),
        ([f"{name}/{name}" for name in "abcdefghijkl"], "a", "l/l", ("f", "g")),
        (["一.txt", "龥.txt", "丁.txt"], "一", "龥", (chr((0x4E00 + 0x9FA5) // 2),)),
    ],
)
def test_the_middle_between_two_keys_is_where_one_looks_for_it(
    seen: list[str], low: str, high: str, middle: tuple[str, ...]
) -> None:
    space = KeySpace(seen)

    position = space.key_at((space.value(low) + space.value(high)) // 2, LENGTH >> 20)

    assert low < position < high
    assert position.startswith(middle)


def test_a_character_between_two_that_were_seen_is_never_half_a_character() -> None:
    space = KeySpace(["\ud7f0", "\ue010"])

    positions = [space.key_at(LENGTH * part // 100, LENGTH >> 40) for part in range(101)]

    assert all(position.encode() for position in positions if position)
    assert max(positions) > "\ue000"
    assert positions == sorted(positions)


def test_where_half_a_character_would_be_is_the_one_before() -> None:
    space = KeySpace(["\ud7ff", "\ue000"])
    width = LENGTH // 2050

    assert [space.key_at(width * rank, width) for rank in (0, 1, 2048, 2049)] == ["\ud7ff"] * 3 + ["\ue000"]


@pytest.mark.parametrize("shape", ["hexadecimal", "sequential", "deep", "Chinese", "photos"])
def test_a_tenth_of_the_line_is_about_a_tenth_of_the_keys(shape: str) -> None:
    """Made from a few keys all over; how good this is decides what a guess costs, never what is read."""
    keys = SHAPES[shape](20_000)
    space = KeySpace(keys[::200])
    low, high = space.value(keys[0]), space.value(keys[-1])

    places = [space.key_at(low + (high - low) * tenth // 10, LENGTH >> 60) for tenth in range(1, 10)]

    shares = [sum(key <= place for key in keys) / len(keys) for place in places]
    assert all(abs(share - tenth / 10) <= 0.12 for tenth, share in enumerate(shares, 1)), shares


def test_a_position_that_is_deeper_than_all_keys_makes_no_words_of_their_segments() -> None:
    hashes = [f"hashes/{number:02x}ab{number:02x}" for number in range(0, 256, 8)]
    space = KeySpace(hashes, ["hashes/logs/2024/01"])

    values = [space.value(key) for key in hashes]
    assert values == sorted(set(values)), "each lies at a place of its own"
    assert max(values) < space.value("hashes/logs/2024/01")


# --- Places: characters and words ---------------------------------------------------------------------------------

LINE = KeySpace(["0" * 70, "a" * 70])
"""Hexadecimal digits, so that each place of the 64 which the line has room for is a sixteenth of the one before."""


@pytest.mark.parametrize("key", ["8", "80", "00f", "a5" * 10, "0" * 63 + "7", "f" * 64])
def test_a_position_at_the_value_of_a_key_is_that_key_and_a_bit_less_is_before_it(key: str) -> None:
    value = LINE.value(key)

    assert value == int(key, 16) << 4 * (64 - len(key))
    assert LINE.key_at(value, 1).rstrip("0") == key.rstrip("0")
    assert LINE.key_at(value - 1, 1) < key


def test_keys_that_are_deeper_than_the_line_are_where_it_ends() -> None:
    assert LINE.value("f" * 70) == LINE.value("f" * 64) == LENGTH - 1
    assert LINE.key_at(LENGTH - 1, 0).startswith("f" * 64)


@pytest.mark.parametrize(("precision", "position"), [(LENGTH, ""), (LENGTH >> 4, "8"), (LENGTH >> 8, "80")])
def test_a_position_is_as_short_as_its_precision_allows(precision: int, position: str) -> None:
    assert LINE.key_at(LENGTH // 2, precision) == position
    assert len(LINE.key_at(LENGTH // 2, precision - 1)) == len(position) + 1


def named(count: int, *words: str) -> list[str]:
    """Return so many keys in folders that are named in turn."""
    return [f"{words[number % len(words)]}/{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("keys", "is_word"),
    [
        (named(12, "alpha", "omega"), True),
        (named(11, "alpha", "omega"), False),
        (named(18, "alpha", "beta", "omega"), True),
        (named(17, "alpha", "beta", "omega"), False),
        (named(5, "alpha", "omega"), False),
        (named(12, "alpha", "omega1"), False),  # numbers go on
        ([*named(24, "alpha", "omega"), "omega"], False),  # the name of a file
    ],
)
def test_a_segment_is_one_place_if_there_are_six_keys_for_each_of_its_words(
    keys: list[str], is_word: bool
) -> None:
    """A folder that is seen again and again has a fixed name: nothing is expected between two of them."""
    last_choice = KeySpace(keys).key_at(LENGTH - 1, LENGTH - 1)

    assert last_choice == ("omega/" if is_word else last_choice[:1])


def test_the_only_folder_is_a_word_however_few_its_keys_are() -> None:
    assert KeySpace(["omega/1"], ["omicron/1"]).value("omicron/1") == LENGTH, "all keys are before it"


@pytest.mark.parametrize(
    ("keys", "choices"),
    [
        (["00", "a0"], "0123456789abcdef"),
        (["00", "g0"], "0123456789g"),  # no hexadecimal digits
        (["10", "20"], "0123456789"),
        ([f"{digit}0" for digit in range(10)], "0123456789"),
        ([f"{number:x}{'xy'[number % 2]}" for number in range(16)], "0123456789abcdef"),
        (["a0", "f0"], "af"),  # no digit was seen
        (["bx", "by"], "b"),
        (["bx", "cy"], "bcxy"),
        (["bk", "ck"], "bc"),
        (["bx", "cy", "dz"], "bcdxyz"),  # the letters that vary anywhere
        (["B-", "c_", "d~"], "Bcd"),
        (["-b", "_c"], "-_"),  # no letters where there were none
        (["1b", "2c"], "0123456789"),
        (["aé", "bü"], "ab"),  # and none but those of ASCII
        (["b", "é"], "".join(map(chr, range(ord("b"), ord("é") + 1)))),
        (["\x7f", "b"], "b\x7f"),
        (["éa", "éz"], "é"),
        (["é\u4e00", "b\u9fa5"], "".join(map(chr, range(ord("b"), 0x9FA6)))),
        ([f"a{LAST}", "b"], "ab"),
    ],
)
def test_a_place_has_the_choices_that_go_with_what_was_seen_there(keys: list[str], choices: str) -> None:
    """Of all letters from the first that was seen to the last that varies anywhere, where any of them is no ASCII."""
    space = KeySpace(keys)
    width = LENGTH // len(choices)

    found = [space.key_at(width * rank, width)[:1] for rank in range(len(choices))]

    assert "".join(found) == ("" if len(choices) == 1 else choices)
    assert [space.value(choice) for choice in choices] == [width * rank for rank in range(len(choices))]
    assert space.value(chr(ord(choices[0]) - 1)) == 0
    assert space.value(chr(ord(choices[-1]) + 1)) == width * len(choices)


def test_keys_between_two_choices_lie_where_the_second_begins_whatever_they_go_on_with() -> None:
    space = KeySpace(["a0", "f0"])

    assert space.value("b") == space.value("b9") == space.value("f") == LENGTH // 2
    assert space.value("f9") == LENGTH // 2 + 9 * (LENGTH // 20)


def test_a_name_of_a_file_is_not_taken_for_that_of_a_folder() -> None:
    assert KeySpace(["ab", "cd"]).key_at(LENGTH - 1, 1) == "dd"
    assert KeySpace(["ab/ab", "cd/cd"]).key_at(LENGTH - 1, 1) == "dd/dd"
