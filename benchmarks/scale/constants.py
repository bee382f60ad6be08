"""Every number that the model takes for granted, with its unit and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lambda_functions.shared.compare.streams import STREAMS
from lambda_functions.shared.tally.cost import prices

S3_RATES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"
S3_PRICES = "https://aws.amazon.com/s3/pricing/"
LAMBDA_PRICES = "https://aws.amazon.com/lambda/pricing/"
STEP_PRICES = "https://aws.amazon.com/step-functions/pricing/"
STEP_QUOTAS = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
FAST_LIST = "https://github.com/aws-samples/s3-fast-list"
MAP_RUN = "https://repost.aws/questions/QUn5oKgcnjRTemt39V9hdtyw"
INIT_BILLED = "https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/"

# Memory that gives a Lambda one whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MB_OF_ONE_PROCESSOR = 1769
# How many LISTs at once the slower of the two latencies was measured at.
MANY_LISTS = 1000


def _fact(value: float, unit: str, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source})


@dataclass(frozen=True)
class Constants:
    """Times in seconds, prices in US dollars of us-east-1."""

    page_seconds: float = _fact(0.080, "s", f"one LIST of 1,000 keys alone: 82 ms in {FAST_LIST}")
    busy_page_seconds: float = _fact(
        0.320, "s", f"the same with 1,000 under way in a bucket of 10^8 objects: {FAST_LIST}"
    )
    page_cpu_seconds: float = _fact(
        0.005, "s", "one page read and decided, on one whole processor: measured, see performance.md"
    )
    request_seconds: float = _fact(0.040, "s", "one small request to the work bucket; assumed")
    record_seconds: float = _fact(
        0.0015, "s", "one record read by 32 threads of a tally on one processor; assumed, bound by it"
    )
    turn_cpu_seconds: float = _fact(
        0.15, "s", "an invocation's own clients and answer, on one processor; assumed"
    )
    init_seconds: float = _fact(
        0.4,
        "s",
        f"a cold start, at full processor whatever the memory; assumed. It is billed: {INIT_BILLED}",
    )
    state_seconds: float = _fact(0.05, "s", "a state before and after what it does; assumed")
    child_starts_a_second: float = _fact(
        100, "1/s", f"of one Map Run, STANDARD; assumed, AWS names no rate in {STEP_QUOTAS}"
    )
    child_seconds: float = _fact(0.3, "s", "a child of a Map Run before and after its Lambda; assumed")
    map_run_seconds: float = _fact(7.0, "s", f"a Map Run of 100 children that do nothing: {MAP_RUN}")
    inline_map_seconds: float = _fact(0.1, "s", "an INLINE Map before and after its items; assumed")
    copies_a_second: float = _fact(
        150, "1/s", "small objects by one worker; assumed, its 55 threads would allow more"
    )
    deletes_a_second: float = _fact(500, "1/s", "orphans asked for and deleted by one worker; assumed")
    objects_a_partition: float = _fact(
        1e8, "objects", "S3 splits a bucket's key space under load, nobody says where; assumed"
    )
    writes_a_partition: float = _fact(3500, "1/s", S3_RATES)
    reads_a_partition: float = _fact(5500, "1/s", S3_RATES)
    write_usd: float = _fact(prices.price_list(None).write_usd(), "$", f"PUT, COPY, POST, LIST: {S3_PRICES}")
    read_usd: float = _fact(prices.price_list(None).read_usd(), "$", f"GET, HEAD: {S3_PRICES}")
    gb_second_usd: float = _fact(prices.LAMBDA_GB_SECOND_USD, "$", f"arm64: {LAMBDA_PRICES}")
    invocation_usd: float = _fact(prices.LAMBDA_REQUEST_USD, "$", LAMBDA_PRICES)
    transition_usd: float = _fact(prices.STATE_TRANSITION_USD, "$", STEP_PRICES)

    def processor(self, memory_mb: int) -> float:
        """Return the share of one processor that a Lambda has; Python uses no more than one."""
        return min(1.0, memory_mb / MB_OF_ONE_PROCESSOR)

    def partitions(self, objects: int) -> float:
        """Return into how many parts S3 has split a bucket of so many objects, each with rates of its own."""
        return max(1.0, objects / self.objects_a_partition)

    def list_seconds(self, workers: int, objects: int) -> float:
        """Return how long a LIST takes while so many workers read a bucket, each with all of its streams.

        In between what was measured, in proportion to the LISTs under way in one partition; never faster than S3's rate.
        """
        under_way = workers * STREAMS / self.partitions(objects)
        slower = (self.busy_page_seconds - self.page_seconds) * (under_way - 1) / (MANY_LISTS - 1)
        return max(self.page_seconds + max(slower, 0.0), under_way / self.reads_a_partition)
