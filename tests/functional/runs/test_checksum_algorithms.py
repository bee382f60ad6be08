"""The checksums of parts: every algorithm that S3 has, those that the runtime's botocore knows, and none."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from fake_s3 import MB, server
from fake_s3.model import service_model
from installed_botocore import carries
from runs_on_fake_s3 import World

from lambda_functions.shared.apply.multipart import MultipartCopy, Upload
from lambda_functions.shared.apply.parts import Part
from lambda_functions.shared.s3 import checksums

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html
TYPES = {
    "CRC32": "FULL_OBJECT",
    "CRC32C": "COMPOSITE",
    "CRC64NVME": "FULL_OBJECT",
    "SHA1": "COMPOSITE",
    "SHA256": "COMPOSITE",
    "SHA512": "COMPOSITE",
    "MD5": "COMPOSITE",
    "XXHASH64": "COMPOSITE",
    "XXHASH3": "COMPOSITE",
    "XXHASH128": "COMPOSITE",
}
# Python's hashlib for SHA512 and MD5, https://pypi.org/project/xxhash/ for the others.
OF_NOTHING = {
    "SHA512": "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
    "MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "XXHASH64": "70bbN1HY6Zk=",
    "XXHASH3": "LQaABTjTlMI=",
    "XXHASH128": "maoG0wFHmNhgAcMkRo1Jfw==",
}


def test_these_are_all_algorithms_of_the_model_and_each_has_its_checksum_of_nothing() -> None:
    model = service_model()
    known = model.operation_model("CreateMultipartUpload").input_shape.members["ChecksumAlgorithm"].enum
    assert set(TYPES) == set(known) == set(checksums.CHECKSUMS_OF_NOTHING)


@pytest.mark.parametrize("algorithm", OF_NOTHING)
def test_the_checksums_of_nothing_are_those_of_other_programs(algorithm: str) -> None:
    assert checksums.checksum_of_nothing(algorithm) == {f"Checksum{algorithm}": OF_NOTHING[algorithm]}


@pytest.mark.parametrize("algorithm", TYPES)
def test_an_empty_last_part_is_uploaded_with_the_checksum_of_its_upload(world: World, algorithm: str) -> None:
    stored = world.source.put_parts("k", 6 * MB, 0, checksum=(algorithm, TYPES[algorithm]))
    assert world.run()["outcome"] == "Succeeded"
    copied = world.destination.objects["k"]
    checksum = stored.checksum if carries(algorithm, TYPES[algorithm]) else None
    assert (copied.etag, copied.checksum, copied.part_sizes) == (stored.etag, checksum, (6 * MB, 0))


def test_an_empty_last_part_of_an_upload_without_checksums_is_uploaded_without_one(world: World) -> None:
    stored = world.source.put_parts("k", 6 * MB, 0)
    assert world.run()["outcome"] == "Succeeded"
    assert world.destination.objects["k"].etag == stored.etag
    (request,) = world.s3.of("UploadPart")
    assert not [name for name in request.asked if name.startswith("Checksum")]


@pytest.mark.parametrize("last", [0, MB])
def test_an_algorithm_that_the_runtime_does_not_know_is_not_asked_for(world: World, last: int) -> None:
    stored = world.source.put_parts("k", 6 * MB, last, checksum=("XXHASH3", "COMPOSITE"))
    with _botocore_without("XXHASH3"):
        assert world.run()["outcome"] == "Succeeded"
    (request,) = world.s3.of("CreateMultipartUpload")
    assert not [name for name in request.asked if name.startswith("Checksum")]
    assert world.destination.objects["k"].etag == stored.etag


@pytest.mark.parametrize(
    ("checksum", "asked"),
    [
        (("CRC32", "COMPOSITE"), {"ChecksumAlgorithm": "CRC32"}),
        (("SHA256", "COMPOSITE"), {"ChecksumAlgorithm": "SHA256"}),
        (("CRC32", "FULL_OBJECT"), {}),
        (("CRC64NVME", "FULL_OBJECT"), {}),
    ],
)
def test_a_runtime_that_does_not_know_the_types_opens_uploads_of_the_default_type_only(
    world: World, checksum: tuple[str, str], asked: dict[str, str]
) -> None:
    stored = world.source.put_parts("k", 6 * MB, 0, checksum=checksum)
    with _botocore_without("Type"):
        assert world.run()["outcome"] == "Succeeded"
    (request,) = world.s3.of("CreateMultipartUpload")
    assert {name: request.asked[name] for name in request.asked if name.startswith("Checksum")} == asked
    copied = world.destination.objects["k"]
    assert (copied.etag, copied.checksum) == (stored.etag, stored.checksum if asked else None)


def test_parts_pass_on_no_checksum_of_another_algorithm_than_their_upload_has(world: World) -> None:
    world.source.put_parts("k", 6 * MB, MB, checksum=("SHA256", "COMPOSITE"))
    both = {"ETag": '"e"', "ChecksumSHA256": "AAAA", "ChecksumCRC64NVME": "AAAA"}
    worker = world.worker()
    copying = MultipartCopy(worker.clients, worker.run, world.to_copy("k"))
    with mock.patch.object(
        worker.clients.destination, "upload_part_copy", lambda **_: {"CopyPartResult": both}
    ):
        copied = copying.copy_part(Upload("id", True), Part(1, 0, 5))
    assert copied.for_completion() == {"PartNumber": 1, "ETag": '"e"', "ChecksumSHA256": "AAAA"}


@pytest.mark.parametrize("algorithm", ["SHA256", "CRC32C", "XXHASH128"])
def test_a_source_that_changed_under_us_is_copied_with_the_algorithm_that_it_has_now(
    world: World, algorithm: str
) -> None:
    world.source.put_parts("k", 6 * MB, MB, checksum=("CRC64NVME", "FULL_OBJECT"))
    line = world.to_copy("k")
    stored = world.source.put_parts("k", 6 * MB, MB, checksum=(algorithm, "COMPOSITE"))

    assert world.worker().copy(line).what == "copied"

    is_carried = carries(algorithm, "COMPOSITE")
    asked = [request.asked.get("ChecksumAlgorithm") for request in world.s3.of("CreateMultipartUpload")]
    assert asked[-1] == (algorithm if is_carried else None)
    assert world.destination.objects["k"].checksum == (stored.checksum if is_carried else None)


@pytest.mark.parametrize(
    ("algorithm", "sent"),
    [
        ("SHA256", {}),
        ("SHA256", {"ChecksumCRC32": "AAAAAA=="}),
        ("SHA256", {"ChecksumSHA256": "AAAA"}),
        (None, {"ChecksumCRC32": "AAAAAA=="}),
    ],
)
def test_the_fake_s3_refuses_a_part_whose_checksum_is_not_that_of_its_upload(
    world: World, algorithm: str | None, sent: dict[str, str]
) -> None:
    client, place = world.worker().clients.destination, {"Bucket": world.destination.name, "Key": "k"}
    asked = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    upload = client.create_multipart_upload(**place, **asked)["UploadId"]
    with pytest.raises(ClientError, match=r"InvalidRequest|BadDigest"):
        client.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"", **sent)


@contextlib.contextmanager
def _botocore_without(algorithm: str) -> Iterator[None]:
    """Let clients have the model of a botocore that was made before this algorithm."""

    @functools.cache
    def made(service: str, region: str | None, config: Config) -> Any:
        session = botocore.session.get_session()
        loader = session.get_component("data_loader")
        load = loader.load_service_model
        loader.load_service_model = lambda *names, **more: _without(algorithm, load(*names, **more))
        return boto3.session.Session(botocore_session=session).client(
            service, region_name=region, config=config
        )

    with mock.patch.object(server, "made_once", made):
        yield


def _without(algorithm: str, model: Any) -> Any:
    if isinstance(model, dict):
        return {
            name: _without(algorithm, one) for name, one in model.items() if name != f"Checksum{algorithm}"
        }
    return (
        [_without(algorithm, one) for one in model if one != algorithm] if isinstance(model, list) else model
    )
