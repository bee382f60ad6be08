"""What `aws s3 sync`, S3 Batch Operations with S3 Inventory, and DataSync would cost and take, by what is published of them."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.scale.constants import Constants, OtherTools

GB, TB = 1e9, 1e12


@dataclass(frozen=True)
class Offer:
    """`seconds` None where nobody has published a rate."""

    tool: str
    seconds: float | None
    usd: float
    remark: str


@dataclass(frozen=True)
class Job:
    """`objects` in each bucket, of which so many are copied and deleted; the destination may be empty."""

    objects: int
    copied: int
    deleted: int
    is_first: bool = False

    @property
    def lists(self) -> float:
        """LISTs that reading both buckets takes."""
        return self.objects / 1000 * (1 if self.is_first else 2)


def offers(job: Job, constants: Constants, others: OtherTools) -> list[Offer]:
    """Return what each would be for a job."""
    return [
        _command_line(job, constants, others),
        _batch(job, constants, others),
        _datasync(job, constants, others),
    ]


def _command_line(job: Job, constants: Constants, others: OtherTools) -> Offer:
    """One machine: both listings by turns, copies by its threads meanwhile, one DELETE an orphan."""
    listing = job.lists * others.cli_page_seconds
    writing = (job.copied + job.deleted) * others.cli_copy_seconds / others.cli_threads
    seconds = max(listing, writing)
    usd = (job.lists + job.copied) * constants.write_usd + seconds / 3600 * others.cli_hour_usd
    return Offer("aws s3 sync", seconds, usd, "one machine; compares size and time")


def _batch(job: Job, constants: Constants, others: OtherTools) -> Offer:
    """Inventories of both buckets, a query for what differs, a job that copies it; waiting for the inventory, then S3's limit."""
    buckets = 1 if job.is_first else 2
    listed = job.objects * buckets * others.inventory_object_usd
    query = 0.0 if job.is_first else job.objects * 2 * others.inventory_row_bytes / TB * others.athena_tb_usd
    copying = (
        others.batch_job_usd + job.copied * (others.batch_object_usd + constants.write_usd)
        if job.copied
        else 0.0
    )
    allowed = constants.writes_a_partition * constants.partitions(job.objects)
    seconds = others.inventory_hours * 3600 + job.copied / allowed
    return Offer(
        "S3 Batch Operations",
        seconds,
        listed + query + copying,
        "deletes nothing; objects up to 5 GB; a day old",
    )


def _datasync(job: Job, constants: Constants, others: OtherTools) -> Offer:
    """LISTs, a HEAD for every object and side, GET and PUT of what is copied, and the gigabytes."""
    heads = job.objects * others.datasync_heads * (1 if job.is_first else 2)
    requests = (job.lists + job.copied) * constants.write_usd + (heads + 2 * job.copied) * constants.read_usd
    data = job.copied * others.object_bytes / GB * others.datasync_gb_usd
    return Offer("DataSync", None, others.datasync_run_usd + requests + data, "reads and writes every byte")
