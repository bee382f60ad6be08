"""Checksums of parts: which of them a client can carry, those of no bytes, and that of an upload in one part. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

from typing import Any

# The checksums of no bytes at all, by algorithm. botocore would send a CRC32, which S3 refuses in an upload that has another
# algorithm, or none: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
CHECKSUMS_OF_NOTHING = {
    "CRC64NVME": "AAAAAAAAAAA=",
    "CRC32C": "AAAAAA==",
    "CRC32": "AAAAAA==",
    "SHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "SHA1": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
    "SHA512": "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
    "MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "XXHASH64": "70bbN1HY6Zk=",
    "XXHASH3": "LQaABTjTlMI=",
    "XXHASH128": "maoG0wFHmNhgAcMkRo1Jfw==",
}


def can_carry(client: Any, algorithm: str) -> bool:
    """Whether a client's own model knows an algorithm, both when an upload is opened and when it is completed.

    The botocore of a Lambda runtime may be older than the algorithm: it would drop the checksums of parts from S3's answers, and
    S3 would refuse to complete an upload that was opened with it.
    """
    model = client.meta.service_model
    asked = model.operation_model("CreateMultipartUpload").input_shape.members["ChecksumAlgorithm"]
    return algorithm in asked.enum and f"Checksum{algorithm}" in model.shape_for("CompletedPart").members


def checksum_of_nothing(algorithm: str) -> dict[str, str]:
    """Return the parameter of UploadPart for an empty part; nothing where the upload has no algorithm."""
    return {f"Checksum{algorithm}": CHECKSUMS_OF_NOTHING[algorithm]} if algorithm else {}
