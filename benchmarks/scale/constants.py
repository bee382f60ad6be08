"""Every number that the model takes for granted, with its unit and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from lambda_functions.shared.tally import costs

S3_RATES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"
S3_PRICES = "https://aws.amazon.com/s3/pricing/"
LAMBDA_PRICES = "https://aws.amazon.com/lambda/pricing/"
STEP_PRICES = "https://aws.amazon.com/step-functions/pricing/"
DATASYNC_PRICES = "https://aws.amazon.com/datasync/pricing/"
DATASYNC_REQUESTS = "https://docs.aws.amazon.com/datasync/latest/userguide/create-s3-location.html"
STEP_QUOTAS = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
CLI_SETTINGS = "https://docs.aws.amazon.com/cli/latest/topic/s3-config.html"
EC2_PRICES = "https://aws.amazon.com/ec2/pricing/on-demand/"
ATHENA_PRICES = "https://aws.amazon.com/athena/pricing/"
INVENTORY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html"
FAST_LIST = "https://github.com/aws-samples/s3-fast-list"

# Memory that gives a Lambda one whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MB_OF_ONE_PROCESSOR = 1769


def _fact(value: float, unit: str, source: str, worse: float = 2.0) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source, "worse": worse})


def _rate(value: float, unit: str, source: str) -> Any:
    """A number that is worse when it is lower."""
    return _fact(value, unit, source, 0.5)


@dataclass(frozen=True)
class Constants:
    """Times in seconds, prices in US dollars of us-east-1."""

    page_seconds: float = _fact(0.080, "s", f"one LIST of 1,000 keys after the other: 82 ms in {FAST_LIST}")
    page_cpu_seconds: float = _fact(
        0.005, "s", "one page read, on one whole processor: 4 ms measured, the rest assumed"
    )
    probe_seconds: float = _fact(0.050, "s", "one LIST of one key; assumed, as other small requests")
    put_seconds: float = _fact(0.050, "s", "one PUT into the work bucket; assumed")
    get_seconds: float = _fact(0.030, "s", "one GET from the work bucket; assumed")
    record_seconds: float = _fact(
        0.0015, "s", "one record read by 32 threads of a tally on one processor; assumed, bound by it"
    )
    bytes_a_second: float = _rate(20e6, "bytes/s", "JSON read or written by a tally; assumed")
    turn_cpu_seconds: float = _fact(
        0.15, "s", "three boto3 clients and one answer, on one processor; assumed"
    )
    init_cpu_seconds: float = _fact(
        0.8, "s", "a cold start: Python, boto3 and our code, on one processor; assumed"
    )
    child_starts_a_second: float = _rate(
        100, "1/s", f"of one Map Run, STANDARD; assumed, AWS names no rate in {STEP_QUOTAS}"
    )
    child_overhead_seconds: float = _fact(0.3, "s", "a child before and after its Lambda; assumed")
    map_overhead_seconds: float = _fact(
        5.0, "s", "a Map Run before its first and after its last child; assumed"
    )
    copies_a_second: float = _rate(
        150, "1/s", "small objects by one worker; assumed, its 55 threads would allow more"
    )
    deletes_a_second: float = _rate(500, "1/s", "orphans asked for and deleted by one worker; assumed")
    objects_a_partition: float = _fact(
        1e8, "objects", "S3 splits a bucket's key space under load, nobody says where; assumed"
    )
    writes_a_partition: float = _rate(3500, "1/s", S3_RATES)
    reads_a_partition: float = _rate(5500, "1/s", S3_RATES)
    write_usd: float = _fact(costs.WRITE_CLASS_USD, "$", f"PUT, COPY, POST, LIST: {S3_PRICES}")
    read_usd: float = _fact(costs.READ_CLASS_USD, "$", f"GET, HEAD: {S3_PRICES}")
    gb_second_usd: float = _fact(costs.LAMBDA_GB_SECOND_USD, "$", f"arm64: {LAMBDA_PRICES}")
    invocation_usd: float = _fact(costs.LAMBDA_REQUEST_USD, "$", LAMBDA_PRICES)
    transition_usd: float = _fact(costs.STATE_TRANSITION_USD, "$", STEP_PRICES)

    def processor(self, memory_mb: int) -> float:
        """Return the share of one processor that a Lambda has; Python uses no more than one."""
        return min(1.0, memory_mb / MB_OF_ONE_PROCESSOR)

    def partitions(self, objects: int) -> float:
        """Return into how many parts S3 has split a bucket of so many objects, each with rates of its own."""
        return max(1.0, objects / self.objects_a_partition)

    def worse(self) -> Iterator[tuple[Field[Any], Constants]]:
        """Yield each constant, and all of them with this one twice as bad."""
        for one in fields(self):
            yield one, replace(self, **{one.name: getattr(self, one.name) * one.metadata["worse"]})


@dataclass(frozen=True)
class OtherTools:
    """What the other ways take for granted."""

    cli_page_seconds: float = _fact(
        0.154, "s", "80 ms as above, and 74 ms of botocore reading the page, measured"
    )
    cli_copy_seconds: float = _fact(0.1, "s", "one COPY of a small object; assumed")
    cli_threads: float = _fact(10, "threads", f"`max_concurrent_requests`: {CLI_SETTINGS}")
    cli_hour_usd: float = _fact(0.096, "$", f"m6i.large: {EC2_PRICES}")
    batch_job_usd: float = _fact(0.25, "$", f"a job of S3 Batch Operations: {S3_PRICES}")
    batch_object_usd: float = _fact(1e-6, "$", f"an object of such a job: {S3_PRICES}")
    inventory_object_usd: float = _fact(0.0025e-6, "$", f"an object in S3 Inventory: {S3_PRICES}")
    inventory_hours: float = _fact(
        24, "hours", f"reports come daily, the first one within 48 hours: {INVENTORY}"
    )
    athena_tb_usd: float = _fact(5.0, "$", f"a TB that is read to find what differs: {ATHENA_PRICES}")
    inventory_row_bytes: float = _fact(
        60, "bytes", "a row of the inventory (key, ETag, size) in Parquet; assumed"
    )
    datasync_run_usd: float = _fact(0.55, "$", f"an execution of an Enhanced mode task: {DATASYNC_PRICES}")
    datasync_gb_usd: float = _fact(0.015, "$", f"a GB copied in Enhanced mode: {DATASYNC_PRICES}")
    datasync_heads: float = _fact(
        1, "requests", f"HEAD an object and side while preparing; AWS gives no number: {DATASYNC_REQUESTS}"
    )
    object_bytes: float = _fact(100e3, "bytes", "an object; assumed, matters where the bytes are paid for")


def facts(*groups: Any) -> Iterator[tuple[Field[Any], float, str, str]]:
    """Yield field, value, unit and source of every constant."""
    for group in groups:
        for one in fields(group):
            yield one, getattr(group, one.name), one.metadata["unit"], one.metadata["source"]
