"""A user's folder as the demo's source bucket: what becomes an object, what does not, and what is refused."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from deployment.aws.installation import Clock
from deployment.emulator import demo_data
from deployment.errors import ConfigurationError
from tests.recording_console import RecordingConsole


def test_every_file_of_a_folder_has_a_key_with_slashes(tmp_path: Path) -> None:
    for name in ("b.txt", "a/ü x.txt", "a/deep/er/c.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "link.txt").symlink_to(tmp_path / "b.txt")
    folder = demo_data.read_folder(tmp_path)
    assert list(folder.files) == ["a/deep/er/c.bin", "a/ü x.txt", "b.txt", "link.txt"]
    assert folder.size_bytes == 20
    assert folder.left_out == ()


@pytest.mark.skipif(sys.platform == "win32", reason="makes files that Windows does not have")
def test_what_cannot_become_an_object_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe\n")
    deep = tmp_path
    for _ in range(6):
        deep /= "d" * 200
    deep.mkdir(parents=True)
    (deep / "long.txt").write_text("x")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xfc"))).write_text("x")
    folder = demo_data.read_folder(tmp_path)
    assert list(folder.files) == ["file.txt"]
    assert sorted(folder.left_out) == [
        f"{'/'.join(['d' * 200] * 6)}/long.txt: its key has more than 1,024 bytes",
        "empty: an empty folder, or one that cannot be read",
        "latin-\\udcfc: its name is not UTF-8",
        "loop: a link to a folder",
        "nowhere: neither a file nor a folder",
        "pipe\\n: neither a file nor a folder",
    ]


def test_a_missing_folder_and_one_without_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as missing:
        demo_data.read_folder(tmp_path / "absent")
    assert str(missing.value) == (
        f"{tmp_path / 'absent'} is not a folder. Name one whose files become the source bucket."
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError) as empty:
        demo_data.read_folder(tmp_path)
    assert str(empty.value) == f"{tmp_path} has no files. Name a folder whose files become the source bucket."


def test_a_folder_that_would_not_fit_into_memory_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "sparse.bin").open("wb") as file:
        file.truncate(1024**3 + 1024**2 * 100)
    with pytest.raises(ConfigurationError) as caught:
        demo_data.read_folder(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} has 1.1 GiB in 1 files; the demo takes 1.0 GiB at most, because the emulator keeps both "
        "buckets in memory. Name a smaller folder."
    )


def test_one_file_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hi")
    console = RecordingConsole()
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="one")
        demo_data.upload(s3, "one", demo_data.read_folder(tmp_path), console)  # type: ignore[arg-type]

    assert (console.updates[1:], console.steps) == (["1 of 1 file"], ["Uploaded 1 file, 2 bytes."])


def test_the_made_up_keys_fit_into_a_key_and_none_is_there_twice() -> None:
    kinds = [
        demo_data._missing_items(),
        demo_data._equal_items(),
        demo_data._orphan_items(),
        [new for _, new in demo_data._changed_items()],
    ]
    keys = [item.key for items in kinds for item in items]
    assert len(set(keys)) == len(keys)
    assert max(len(key.encode()) for key in keys) > 980
    assert all(len(key.encode()) <= demo_data.MAX_KEY_BYTES for key in keys)


@pytest.mark.parametrize(("working_seconds", "waited"), [(0.0, 1.1), (0.4, 0.7), (1.1, 0.0), (5.0, 0.0)])
def test_only_what_has_changed_waits_until_listings_show_it_newer(
    working_seconds: float, waited: float
) -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("source", "destination"):
            s3.create_bucket(Bucket=bucket)
        slept: list[float] = []
        there: list[int] = []

        def sleep(seconds: float) -> None:
            slept.append(round(seconds, 3))
            there.append(s3.list_objects_v2(Bucket="source")["KeyCount"])

        times = iter((100.0, 100.0 + working_seconds))
        scenario = demo_data.prepare(
            s3, "source", "destination", Clock(monotonic=times.__next__, sleep=sleep)
        )
        in_the_end = s3.list_objects_v2(Bucket="source")["KeyCount"]
    assert slept == [waited]
    assert there == [scenario.missing + scenario.equal]
    assert in_the_end == scenario.missing + scenario.equal + scenario.changed
