"""Sorting more lines than memory holds: in the order of keys, whatever they are, and however few fit at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment import key_order
from deployment.key_order import in_key_order

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(
    st.lists(st.tuples(KEYS, st.sampled_from(["new", "orphan"]), st.integers(0, 9)).map(list)),
    st.integers(1, 5),
    st.integers(2, 3),
)
def test_lines_come_in_the_order_of_the_utf8_bytes_of_their_keys(
    lines: list[list[Any]], run_lines: int, max_runs: int
) -> None:
    found = list(in_key_order(lines, run_lines, max_runs))

    assert found == sorted(lines)
    assert [line[0].encode() for line in found] == sorted(line[0].encode() for line in lines)


def test_what_fits_into_memory_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)

    assert list(in_key_order([["b", "new", 1], ["a", "new", 1]], run_lines=3)) == [
        ["a", "new", 1],
        ["b", "new", 1],
    ]


def test_only_so_many_files_are_open_and_none_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    most = 0
    real = tempfile.TemporaryFile

    def counting() -> Any:
        nonlocal most
        opened.append(real())
        most = max(most, sum(not file.closed for file in opened))
        return opened[-1]

    monkeypatch.setattr(key_order.tempfile, "TemporaryFile", counting)
    lines = ([f"{number * 7919 % 1000:04}", "new", 0] for number in range(1000))

    found = [line[0] for line in in_key_order(lines, run_lines=5, max_runs=4)]

    assert found == [f"{number:04}" for number in range(1000)]
    assert len(opened) >= 200
    assert most <= 4 * 5
    assert all(file.closed for file in opened)


def test_whoever_stops_reading_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr(key_order.tempfile, "TemporaryFile", lambda: opened.append(real()) or opened[-1])

    def endless() -> Iterator[list[Any]]:
        yield from ([f"{number:04}", "new", 0] for number in range(50))
        raise LookupError("the reader of the plan")

    with pytest.raises(LookupError):
        list(in_key_order(endless(), run_lines=10))
    lines = in_key_order(([f"{number:04}", "new", 0] for number in range(50)), run_lines=10)
    next(lines)
    lines.close()  # type: ignore[attr-defined]

    assert len(opened) == 10
    assert all(file.closed for file in opened)
