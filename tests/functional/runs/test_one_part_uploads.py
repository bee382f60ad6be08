"""Uploads of one part (`...-1`), whose COMPOSITE checksum is not that which CopyObject makes of the whole."""

from __future__ import annotations

import pytest
from fake_s3 import HOUR, MB
from installed_botocore import carries
from runs_on_fake_s3 import World

from lambda_functions.shared.s3.checksums import COMPUTABLE

WITH_KMS = [("AES256", "aws:kms"), ("aws:kms", "aws:kms"), ("aws:kms", "AES256")]


@pytest.mark.parametrize(
    "algorithm", ["SHA1", "SHA256", "SHA512", "MD5", "CRC32", "XXHASH64", "XXHASH3", "XXHASH128"]
)
@pytest.mark.parametrize(("source", "destination"), WITH_KMS)
def test_an_object_of_one_part_with_a_checksum_is_not_copied_by_every_run(
    world: World, algorithm: str, source: str, destination: str
) -> None:
    world.destination.encryption = destination
    world.source.put_parts("k", 3 * MB, checksum=(algorithm, "COMPOSITE"), encryption=source)
    assert world.run()["copied"]["objects"] == 1
    report = world.run()
    if carries(algorithm, "COMPOSITE") or algorithm in COMPUTABLE:
        assert (report["copied"]["objects"], report["unprovable"]["objects"]) == (0, 0)
    else:
        assert report["unprovable"]["objects"] == 1


@pytest.mark.parametrize(("source", "destination"), WITH_KMS)
def test_other_bytes_in_an_object_of_one_part_are_copied(world: World, source: str, destination: str) -> None:
    world.destination.encryption = destination
    stored = world.source.put_parts("k", 3 * MB, checksum=("SHA256", "COMPOSITE"), encryption=source)
    world.destination.put("k", 3 * MB, HOUR / 2, checksum="SHA256")
    report = world.run()
    assert (report["copied"]["objects"], report["unprovable"]["objects"]) == (1, 0)
    assert world.destination.objects["k"].content == stored.content


def test_an_object_of_one_part_that_can_be_compared_is_copied_by_one_request(world: World) -> None:
    world.source.put_parts("k", 3 * MB, checksum=("SHA256", "COMPOSITE"))
    world.run()
    assert (world.sent()["COPY"], len(world.s3.of("CreateMultipartUpload"))) == (1, 0)
