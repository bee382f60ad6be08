"""What counts as equal: the whole table of the design, line by line, and that every key gets an answer."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import NOON, entry

from lambda_functions.shared.equality import (
    COPIES,
    QUESTIONS,
    REASONS,
    Decision,
    decide,
    judge_checksums,
    judge_heads,
    judge_metadata,
    judge_tags,
)
from lambda_functions.shared.s3.etags import (
    CHECKSUMS,
    CONTENT_HEADERS,
)
from lambda_functions.shared.s3.listing import Entry

A, B = hashlib.md5(b"a").hexdigest(), hashlib.md5(b"b").hexdigest()
A_IN_ONE_PART = hashlib.md5(hashlib.md5(b"a").digest()).hexdigest() + "-1"
OLDER, NEWER = NOON, NOON + timedelta(seconds=1)


def object_of(etag: str, modified: datetime = NOON, size: int = 3) -> Entry:
    return entry("key", etag=etag, modified=modified, size=size)


@pytest.mark.parametrize(
    ("source", "destination", "decision"),
    [
        pytest.param(object_of(A), None, Decision.NEW, id="absent at the destination"),
        pytest.param(None, object_of(A), Decision.ORPHAN, id="absent at the source"),
        pytest.param(object_of(A, OLDER, 3), object_of(A, NEWER, 4), Decision.SIZE, id="sizes differ"),
        pytest.param(object_of(A, NEWER, 0), object_of(A, OLDER, 3), Decision.SIZE, id="source is empty"),
        pytest.param(object_of(A, OLDER), object_of(A, NEWER), Decision.CURRENT, id="same etag, older"),
        pytest.param(object_of(A, NOON), object_of(A, NOON), Decision.CURRENT, id="same etag, same second"),
        pytest.param(object_of(A, NEWER), object_of(A, OLDER), Decision.ASK_METADATA, id="same etag, newer"),
        pytest.param(
            object_of(A, OLDER), object_of(A_IN_ONE_PART, NEWER), Decision.CURRENT, id="uploaded in one part"
        ),
        pytest.param(
            object_of(A_IN_ONE_PART, OLDER), object_of(A, NEWER), Decision.CURRENT, id="copied in one piece"
        ),
        pytest.param(
            object_of(A_IN_ONE_PART, NEWER), object_of(A), Decision.ASK_METADATA, id="in one part, newer"
        ),
        pytest.param(object_of(A, NEWER), object_of(B, OLDER), Decision.CONTENT, id="etags differ, newer"),
        pytest.param(
            object_of(A, OLDER), object_of(B, NEWER), Decision.ASK_CHECKSUMS, id="etags differ, older"
        ),
        pytest.param(
            object_of(A, NOON), object_of(B, NOON), Decision.ASK_CHECKSUMS, id="etags differ, same second"
        ),
        pytest.param(
            object_of(A + "-2"), object_of(A + "-3"), Decision.ASK_CHECKSUMS, id="other numbers of parts"
        ),
    ],
)
def test_the_table_of_the_design(source: Entry | None, destination: Entry | None, decision: Decision) -> None:
    assert decide(source, destination) is decision


@pytest.mark.parametrize("source", [OLDER, NOON, NEWER])
def test_with_all_metadata_is_asked_for_wherever_a_key_would_be_current(source: datetime) -> None:
    one, other = object_of(A, source), object_of(A, NOON)

    assert decide(one, other, compare_metadata="all") is Decision.ASK_METADATA
    assert decide(one, other, compare_metadata="all", compare_tags=True) is Decision.ASK_METADATA
    assert decide(object_of(A, NEWER), object_of(B, OLDER), compare_metadata="all") is Decision.CONTENT
    assert decide(object_of(A, OLDER), object_of(B, NEWER), compare_metadata="all") is Decision.ASK_CHECKSUMS


def test_metadata_is_not_asked_for_where_it_is_not_compared() -> None:
    assert decide(object_of(A, NEWER), object_of(A, OLDER), compare_metadata=False) is Decision.CURRENT
    assert decide(object_of(A, NEWER), object_of(B, OLDER), compare_metadata=False) is Decision.CONTENT


@pytest.mark.parametrize(
    ("source", "destination"),
    [(OLDER, NEWER), (NOON, NOON), (NEWER, OLDER)],
    ids=["older", "same second", "newer"],
)
def test_tags_are_asked_for_where_they_are_compared_and_nothing_else_differs(
    source: datetime, destination: datetime
) -> None:
    """A change of tags alone moves neither ETag nor LastModified, so that it shows in no listing."""
    one, other = object_of(A, source), object_of(A, destination)

    assert decide(one, other, compare_metadata=False, compare_tags=True) is Decision.ASK_TAGS
    asked_with_metadata = decide(one, other, compare_metadata=True, compare_tags=True)
    assert asked_with_metadata is (Decision.ASK_METADATA if source > destination else Decision.ASK_TAGS)


ETAGS = st.sampled_from([A, B, A_IN_ONE_PART, A + "-2", B + "-2", "not-md5", ""])
OBJECTS = st.builds(object_of, ETAGS, st.sampled_from([OLDER, NEWER]), st.integers(0, 2))


@given(st.none() | OBJECTS, st.none() | OBJECTS, st.booleans(), st.booleans())
def test_every_key_gets_one_decision_and_only_the_destination_alone_is_an_orphan(
    source: Entry | None, destination: Entry | None, compare_metadata: bool, compare_tags: bool
) -> None:
    decision = decide(source, destination, compare_metadata, compare_tags)

    assert decision is not Decision.UNPROVABLE  # a listing alone never says so
    assert (decision is Decision.ORPHAN) == (source is None)
    assert (decision is Decision.NEW) == (destination is None and source is not None)
    assert decision is not Decision.CURRENT or not compare_tags
    assert decision is not Decision.ASK_TAGS or compare_tags
    if decision in QUESTIONS or decision is Decision.CURRENT:
        assert source is not None
        assert destination is not None
        assert source.size == destination.size


@given(OBJECTS, OBJECTS)
def test_what_was_just_copied_is_current(source: Entry, destination: Entry) -> None:
    """The copy has the source's ETag and is not older: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html."""
    copied = object_of(source.etag, max(source.modified, destination.modified), source.size)

    assert decide(source, copied) is Decision.CURRENT


def head(etag: str = A, **values: Any) -> dict[str, Any]:
    return {"ETag": f'"{etag}"', "ContentLength": 3, "LastModified": NOON, **values}


CRC = {"ChecksumType": "FULL_OBJECT", "ChecksumCRC64NVME": "one"}
KMS = {"ServerSideEncryption": "aws:kms"}


@pytest.mark.parametrize(
    ("source", "destination", "decision"),
    [
        pytest.param(CRC, CRC, Decision.CURRENT, id="equal checksums"),
        pytest.param({**CRC, **KMS}, CRC, Decision.CURRENT, id="equal checksums, one encrypted"),
        pytest.param(CRC, {**CRC, "ChecksumCRC64NVME": "two"}, Decision.CHECKSUM, id="other checksum"),
        pytest.param(
            {**CRC, **KMS}, {**CRC, **KMS, "ChecksumCRC64NVME": "two"}, Decision.CHECKSUM, id="other, KMS"
        ),
        pytest.param(
            {**CRC, "ChecksumSHA256": "x"},
            {**CRC, "ChecksumSHA256": "y"},
            Decision.CHECKSUM,
            id="one of two differs",
        ),
        pytest.param({**CRC, "ChecksumSHA256": "x"}, CRC, Decision.CURRENT, id="one algorithm in common"),
        pytest.param(
            {**CRC, **KMS},
            {"ChecksumType": "FULL_OBJECT", "ChecksumCRC32": "one", **KMS},
            Decision.UNPROVABLE,
            id="other algorithms",
        ),
        pytest.param(
            {**CRC, **KMS}, {**CRC, **KMS, "ChecksumType": "COMPOSITE"}, Decision.UNPROVABLE, id="other types"
        ),
        pytest.param({**CRC, **KMS}, KMS, Decision.UNPROVABLE, id="one side without"),
        pytest.param({}, {}, Decision.CONTENT, id="two plain MD5s that differ"),
        pytest.param({"ServerSideEncryption": "AES256"}, {}, Decision.CONTENT, id="encrypted by S3 itself"),
        pytest.param(KMS, {}, Decision.UNPROVABLE, id="source encrypted by KMS"),
        pytest.param({}, KMS, Decision.UNPROVABLE, id="destination encrypted by KMS"),
        pytest.param({}, {"ServerSideEncryption": "aws:kms:dsse"}, Decision.UNPROVABLE, id="twice"),
        pytest.param({"SSECustomerAlgorithm": "AES256"}, {}, Decision.UNPROVABLE, id="customer's key"),
        pytest.param({}, {"ETag": f'"{B}-2"'}, Decision.UNPROVABLE, id="uploaded in parts"),
    ],
)
def test_checksums_prove_equal_or_different_or_nothing(
    source: dict[str, Any], destination: dict[str, Any], decision: Decision
) -> None:
    assert judge_checksums(head(A, **source), head(**{"etag": B, **destination})) is decision


# Written out, because an algorithm that is dropped from our own list would take its test with it; the newest botocore need not be
# installed. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html
ALGORITHMS = [
    "CRC32",
    "CRC32C",
    "CRC64NVME",
    "MD5",
    "SHA1",
    "SHA256",
    "SHA512",
    "XXHASH128",
    "XXHASH3",
    "XXHASH64",
]


@pytest.mark.parametrize("name", [f"Checksum{algorithm}" for algorithm in ALGORITHMS])
def test_every_algorithm_can_prove(name: str) -> None:
    """One that cannot makes objects unprovable that S3 has a proof for: every run would copy them again."""
    one, other = (
        {"ChecksumType": "FULL_OBJECT", **KMS, name: "1"},
        {"ChecksumType": "FULL_OBJECT", **KMS, name: "2"},
    )

    assert judge_checksums(head(A, **one), head(B, **one)) is Decision.CURRENT
    assert judge_checksums(head(A, **one), head(B, **other)) is Decision.CHECKSUM


@given(
    *(
        st.fixed_dictionaries(
            {},
            optional={
                "ChecksumType": st.sampled_from(["FULL_OBJECT", "COMPOSITE"]),
                "ServerSideEncryption": st.sampled_from(["AES256", "aws:kms"]),
                **{name: st.sampled_from(["", "1", "2"]) for name in CHECKSUMS[:3]},
            },
        )
        for _ in range(2)
    )
)
def test_proof_is_the_same_in_both_directions(source: dict[str, Any], destination: dict[str, Any]) -> None:
    one, other = head(A, **source), head(B, **destination)

    assert judge_checksums(one, other) is judge_checksums(other, one)
    assert judge_checksums(one, other) in (
        Decision.CURRENT,
        Decision.CHECKSUM,
        Decision.CONTENT,
        Decision.UNPROVABLE,
    )


def test_the_algorithms_are_those_of_s3() -> None:
    assert sorted(CHECKSUMS) == [f"Checksum{algorithm}" for algorithm in ALGORITHMS]


def carried_headers() -> set[str]:
    """Return the members of HeadObject's answer that a copy brings along, by botocore's model of S3 and not by our list.

    They are headers of HTTP that whoever writes an object may give it: HeadObject tells them, and CopyObject, PutObject and
    CreateMultipartUpload take them under the same names. What S3 gives each copy anew (class, encryption, locks) has headers of
    its own, `x-amz-...`. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    model = botocore.session.get_session().get_service_model("s3")
    told = _headers(model.operation_model("HeadObject").output_shape)
    for operation in ("CopyObject", "PutObject", "CreateMultipartUpload"):
        told &= _headers(model.operation_model(operation).input_shape)
    names = {member for member, header in told if not header.startswith("x-amz-")}
    # The text as S3 keeps it; botocore adds it to the answer beside `Expires`, which is a date or nothing.
    return {"ExpiresString" if name == "Expires" else name for name in names}


def _headers(shape: Any) -> set[tuple[str, str]]:
    """Return the members that stand in a header, with its name."""
    found = {name: member.serialization for name, member in shape.members.items()}
    return {(name, where["name"]) for name, where in found.items() if where.get("location") == "header"}


def test_the_headers_that_are_compared_are_those_that_a_copy_carries() -> None:
    assert sorted(CONTENT_HEADERS) == sorted(carried_headers())


@pytest.mark.parametrize("name", [*sorted(carried_headers()), "WebsiteRedirectLocation"])
def test_any_header_that_differs_is_copied(name: str) -> None:
    assert judge_metadata(head(**{name: "x"}), head(**{name: "x"})) is Decision.CURRENT
    assert judge_metadata(head(**{name: "x"}), head(**{name: "y"})) is Decision.METADATA
    assert judge_metadata(head(**{name: "x"}), head()) is Decision.METADATA
    assert judge_metadata(head(), head(**{name: "x"})) is Decision.METADATA


def test_user_metadata_that_differs_is_copied() -> None:
    assert judge_metadata(head(Metadata={"a": "1"}), head(Metadata={"a": "2"})) is Decision.METADATA
    assert judge_metadata(head(Metadata={"a": "1"}), head()) is Decision.METADATA
    assert judge_metadata(head(Metadata={}), head()) is Decision.CURRENT


@pytest.mark.parametrize("compare_metadata", [True, "all"])
def test_where_both_heads_are_there_metadata_is_judged_as_soon_as_the_content_is_equal(
    compare_metadata: bool | str,
) -> None:
    one, other = head(A, Metadata={"a": "1"}, **CRC), head(B, Metadata={"a": "2"}, **CRC)
    for question in (Decision.ASK_METADATA, Decision.ASK_CHECKSUMS):
        assert judge_heads(question, one, other, compare_metadata) is Decision.METADATA
        assert judge_heads(question, one, one, compare_metadata) is Decision.CURRENT
        assert judge_heads(question, one, other, False) is Decision.CURRENT


def test_what_no_checksum_can_prove_stays_unprovable_whatever_its_metadata_is() -> None:
    one, other = head(A, Metadata={"a": "1"}, **KMS), head(B, **KMS)

    assert judge_heads(Decision.ASK_CHECKSUMS, one, other, "all") is Decision.UNPROVABLE


REDIRECT = {"WebsiteRedirectLocation": "/elsewhere"}


@pytest.mark.parametrize(
    ("source", "destination", "decision"),
    [
        pytest.param(head(**REDIRECT), head(), Decision.CURRENT, id="in one piece"),
        pytest.param(head(A + "-1", **REDIRECT), head(A), Decision.CURRENT, id="in one part"),
        pytest.param(head(A + "-2", **REDIRECT), head(A + "-2"), Decision.METADATA, id="in two parts"),
        pytest.param({**head(**REDIRECT), "ContentLength": 0}, head(), Decision.METADATA, id="empty"),
        pytest.param(head(**REDIRECT), head(**REDIRECT), Decision.CURRENT, id="on both sides"),
        pytest.param(head(), head(**REDIRECT), Decision.METADATA, id="at the destination only"),
    ],
)
def test_a_redirect_is_compared_where_a_copy_would_change_it(
    source: dict[str, Any], destination: dict[str, Any], decision: Decision
) -> None:
    assert judge_heads(Decision.ASK_METADATA, source, destination, True) is decision


def test_what_a_copy_does_not_carry_is_not_metadata() -> None:
    source = head(StorageClass="GLACIER", ServerSideEncryption="aws:kms", LastModified=NEWER, VersionId="1")

    assert judge_metadata(source, head(TagCount=3)) is Decision.CURRENT


def test_every_decision_is_a_reason_or_a_question_or_that_there_is_nothing_to_do() -> None:
    assert {reason.value for reason in REASONS} == {
        "new", "size", "content", "metadata", "tags", "checksum", "unprovable", "orphan",
    }  # fmt: skip
    assert COPIES | {Decision.UNPROVABLE, Decision.ORPHAN} == REASONS
    assert not REASONS & QUESTIONS
    assert set(Decision) == REASONS | QUESTIONS | {Decision.CURRENT}


@pytest.mark.parametrize(
    ("source", "destination", "reason"),
    [({}, {"a": "1"}, Decision.TAGS), ({"a": "1"}, {"a": "1"}, Decision.CURRENT), ({}, {}, Decision.CURRENT)],
)
def test_tags_that_differ_are_a_reason(
    source: dict[str, str], destination: dict[str, str], reason: Decision
) -> None:
    assert judge_tags(source, destination) is reason


@given(
    st.sampled_from(sorted(QUESTIONS - {Decision.ASK_TAGS}, key=str)), st.sampled_from([True, False, "all"])
)
def test_an_answer_is_a_reason_or_that_there_is_nothing_to_do(
    question: Decision, compare_metadata: bool | str
) -> None:
    heads = [head(A), head(B), head(A, Metadata={"a": "1"}), head(B, **CRC), head(A, **KMS)]
    for one in heads:
        for other in heads:
            answer = judge_heads(question, one, other, compare_metadata)
            assert answer in COPIES | {Decision.UNPROVABLE, Decision.CURRENT}
            assert answer is not Decision.METADATA or compare_metadata
            assert question is Decision.ASK_CHECKSUMS or answer in (Decision.METADATA, Decision.CURRENT)
