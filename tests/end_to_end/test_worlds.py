"""A few worlds of the property tests through the real deployment, judged by the same oracle.

MiniStack takes no LastModified from anybody, so what is newer is put in a later second.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import judging
import oracle
import pytest
from blueprints import THEN, Blueprint, World
from deployed_project import Project
from oracle import Checksum, Object, Prediction

OLD, NEW = THEN, THEN + 1
PARAMETERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
    "expires": "Expires",
}
PART = b"5 MiB at least, but for the last" * 163_840
PROPERTIES: dict[str, Any] = {
    "headers": {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "max-age=60",
        "content-disposition": 'attachment; filename="a b.txt"',
        "content-language": "de",
    },
    "metadata": {"colour": "red", "x-y": "1,2"},
    "tags": {"team": "a b", "key 1": "x=y/z:@+-._", "ä": "ü"},
}


def made(**blueprints: Blueprint) -> dict[str, Object]:
    """Return objects whose keys are names of Python."""
    return {key: found.made() for key, found in blueprints.items()}


EVERYTHING = World(
    {
        **made(
            missing=Blueprint(b"1", **PROPERTIES),
            current=Blueprint(b"22"),
            grown=Blueprint(b"333"),
            rewritten=Blueprint(b"new", modified=NEW),
            damaged=Blueprint(b"right"),
            moved=Blueprint(b"", redirect="/elsewhere"),
            parts=Blueprint(PART + b"+", parts=(len(PART), 1), **PROPERTIES),
            cold=Blueprint(b"7", storage_class="GLACIER"),
            cool=Blueprint(b"8", storage_class="STANDARD_IA"),
        ),
        **{
            key: Blueprint(key.encode()).made()
            for key in ("a//b", "ü +%&<\U0010ffff", "line\nfeed", "folder/")
        },
    },
    {
        **made(
            current=Blueprint(b"22"),
            grown=Blueprint(b"33"),
            rewritten=Blueprint(b"old"),
            damaged=Blueprint(b"wrong", modified=NEW),
            orphan=Blueprint(b"9"),
        ),
        "orphan\n+%&": Blueprint(b"10").made(),
    },
    {},
)
PART_OF_IT = World(
    {
        **{
            f"p/{key}": Blueprint(key.encode()).made()
            for key in ("", "a.csv", "b.csv", "c.txt", "tmp/d.csv", "m" * 1020)
        },
        "outside": Blueprint(b"1").made(),
    },
    {
        **{
            f"copies/{key}": Blueprint(b"orphan").made()
            for key in ("a", "orphan.csv", "orphan.txt", "tmp/orphan")
        },
        "p/a.csv": Blueprint(b"outside").made(),
    },
    {"prefix": "p/", "destinationPrefix": "copies/", "startAfter": "a", "exclude": ["*.txt", "tmp/*"]},
)
DRIFTED = World(
    made(
        newer=Blueprint(b"1", modified=NEW, metadata={"colour": "red"}),
        older=Blueprint(b"2", metadata={"colour": "red"}),
        header=Blueprint(b"3", modified=NEW, headers={"content-type": "text/html"}),
        same=Blueprint(b"4", modified=NEW),
        tagged=Blueprint(b"5", tags={"team": "red"}),
    ),
    made(
        newer=Blueprint(b"1", metadata={"colour": "blue"}),
        older=Blueprint(b"2", metadata={"colour": "blue"}),
        header=Blueprint(b"3"),
        same=Blueprint(b"4"),
        tagged=Blueprint(b"5", tags={"team": "blue"}),
    ),
    {"compareTags": True},
)
TOO_MANY = World(
    made(new=Blueprint(b"1")), made(orphan=Blueprint(b"2"), other=Blueprint(b"3")), {"maxDelete": "50%"}
)
WORLDS = {"everything": EVERYTHING, "part of it": PART_OF_IT, "drifted": DRIFTED, "too many": TOO_MANY}


@pytest.mark.parametrize("name", WORLDS)
def test_the_oracle_agrees_with_every_object_and_the_report(deployed: Project, name: str) -> None:
    world, place = (
        WORLDS[name],
        {side: f"world-{name.replace(' ', '-')}-{side}" for side in ("source", "destination")},
    )
    deployed.bucket(place["source"])
    client = deployed.bucket(place["destination"])
    fill(client, {place["source"]: world.source, place["destination"]: world.destination})
    told = {**place, **world.options}
    planned = run(deployed, client, {**told, "dryRun": True})
    done = run(deployed, client, told)
    assert done.plan() == planned.plan()
    if done.error is None:
        again = run(deployed, client, told)
        assert again.plan() == {"copy": oracle.sized(()), "delete": oracle.sized(())}


def run(deployed: Project, client: Any, told: dict[str, Any]) -> Prediction:
    """Run; return what had to happen, after it has been compared with what did happen."""
    before, source = read(client, told["destination"]), read(client, told["source"])
    found = oracle.predict(source, before, told)
    execution = deployed.execute(**told)
    assert execution.get("error") == found.error, execution.get("cause")
    if found.error is None:
        assert judging.wrong_report(json.loads(execution["output"]), found, told) == []
    # Copies of MiniStack have no checksum.
    wanted = replace(found, copies={key: replace(one, checksum=None) for key, one in found.copies.items()})
    after = read(client, told["destination"])
    assert judging.wrong_objects(before, after, wanted, told, oracle.Encryption()) == []
    assert read(client, told["source"]) == source, "the source never changes"
    return found


def fill(client: Any, buckets: Mapping[str, Mapping[str, Object]]) -> None:
    """Write all objects, the oldest first, those of different age in different seconds."""
    everything = [(bucket, key, one) for bucket, objects in buckets.items() for key, one in objects.items()]
    moment = THEN
    for bucket, key, one in sorted(everything, key=lambda each: each[2].modified):
        if one.modified > moment:
            moment = one.modified
            time.sleep(1 - time.time() % 1)
        put(client, bucket, key, one)


def put(client: Any, bucket: str, key: str, one: Object) -> None:
    """Write one object, in its parts if it has some."""
    place = {"Bucket": bucket, "Key": key}
    properties = {
        **{PARAMETERS[name]: value for name, value in one.headers.items()},
        "Metadata": dict(one.metadata),
        "Tagging": urllib.parse.urlencode(dict(one.tags)),
        "StorageClass": one.storage_class,
        **({"WebsiteRedirectLocation": one.redirect} if one.redirect else {}),
    }
    if not one.parts:
        client.put_object(**place, Body=one.body, **properties)
        return
    upload = {**place, "UploadId": client.create_multipart_upload(**place, **properties)["UploadId"]}
    done, start = [], 0
    for number, size in enumerate(one.parts, 1):
        answer = client.upload_part(**upload, PartNumber=number, Body=one.body[start : start + size])
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
        start += size
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})


def read(client: Any, bucket: str) -> dict[str, Object]:
    """Return everything in a bucket."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        one["Key"]: read_one(client, bucket, one["Key"]) for page in pages for one in page.get("Contents", ())
    }


def read_one(client: Any, bucket: str, key: str) -> Object:
    """Return one object."""
    place = {"Bucket": bucket, "Key": key}
    head = client.head_object(**place, ChecksumMode="ENABLED")
    tags = client.get_object_tagging(**place)["TagSet"]
    parts = client.get_object_attributes(**place, ObjectAttributes=["ObjectParts"]).get("ObjectParts", {})
    # An archived object cannot be read; nobody copies it, so its size is enough.
    is_archived = head.get("StorageClass") in oracle.ARCHIVES
    body = bytes(head["ContentLength"]) if is_archived else client.get_object(**place)["Body"].read()
    return Object(
        body,
        head["ETag"].strip('"'),
        int(head["LastModified"].timestamp()),
        {name: head[parameter] for name, parameter in PARAMETERS.items() if parameter in head},
        head["Metadata"],
        {tag["Key"]: tag["Value"] for tag in tags},
        head.get("WebsiteRedirectLocation"),
        head.get("StorageClass", "STANDARD"),
        encryption=head.get("ServerSideEncryption"),
        checksum=checksum_of(head),
        parts=tuple(part["Size"] for part in parts.get("Parts", ())),
    )


def checksum_of(head: Mapping[str, Any]) -> Checksum | None:
    """Return the checksum that HeadObject tells, if any."""
    found = [name for name in head if name.startswith("Checksum") and name != "ChecksumType"]
    kind = head.get("ChecksumType", "")
    return Checksum(found[0].removeprefix("Checksum"), kind, head[found[0]]) if found else None
