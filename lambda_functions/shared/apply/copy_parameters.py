"""The parameters of a copy: its source as listed, the condition on its destination, storage class, ACL, encryption, properties.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambda_functions.shared.option_rules import written_class
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.etags import CONTENT_HEADERS
from lambda_functions.shared.work_items import ToCopy


def copy_source(run: Run, item: ToCopy) -> dict[str, Any]:
    """Return the parameters that name the source, as it was listed."""
    parameters: dict[str, Any] = {
        "CopySource": {"Bucket": run.source.bucket, "Key": run.source.key(item.key)},
        "CopySourceIfMatch": f'"{item.etag}"',
    }
    if run.source.owner:
        parameters["ExpectedSourceBucketOwner"] = run.source.owner
    if run.source.requester_pays:
        parameters["RequestPayer"] = "requester"
    return parameters


def destination_condition(item: ToCopy) -> dict[str, str]:
    """Return the header that lets a write succeed only while the destination is what it was when it was listed."""
    return {"If-Match": f'"{item.replaces_etag}"'} if item.replaces_etag else {"If-None-Match": "*"}


def storage_class(run: Run, item: ToCopy) -> dict[str, str]:
    """Return the parameter for the class of the copy; S3 would make it STANDARD whatever the source is.

    So it is where the source has a class that nobody can write; `compare/planned` counts those.
    """
    is_kept = run.options.storageClass == "source"
    chosen = written_class(item.storage_class) if is_kept else run.options.storageClass
    return {} if chosen == "STANDARD" else {"StorageClass": chosen}


def acl(run: Run) -> dict[str, str]:
    """Return the parameter for the ACL of the copy; without it, S3's own default: whoever writes owns."""
    return {"ACL": run.options.acl} if run.options.acl else {}


def encryption(run: Run) -> dict[str, str]:
    """Return the parameters for the encryption of the copy; without them, the destination bucket's own default."""
    options = run.options
    word = {"ServerSideEncryption": options.serverSideEncryption} if options.serverSideEncryption else {}
    return {**word, **({"SSEKMSKeyId": options.sseKmsKeyId} if options.sseKmsKeyId else {})}


def tagging_directive(run: Run) -> dict[str, str]:
    """Return the parameter that leaves the source's tags behind: they are replaced by none."""
    return {} if run.options.copyTags else {"TaggingDirective": "REPLACE"}


def website_redirect(item: ToCopy, head: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameter for the website redirect, which CopyObject never carries; only of objects without content."""
    redirect = head.get("WebsiteRedirectLocation")
    return {"WebsiteRedirectLocation": redirect} if redirect and not item.size else {}


def upload_properties(run: Run, item: ToCopy, head: Mapping[str, Any]) -> dict[str, Any]:
    names = {*CONTENT_HEADERS, "Metadata", "WebsiteRedirectLocation"} - {"ExpiresString"}
    properties = {name: head[name] for name in sorted(names) if head.get(name)}
    if item.checksum:
        algorithm, kind = item.checksum
        properties["ChecksumAlgorithm"] = algorithm
        if kind:
            properties["ChecksumType"] = kind
    return {**properties, **storage_class(run, item), **acl(run), **encryption(run)}
