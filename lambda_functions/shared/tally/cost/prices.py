"""What AWS asks for, in US dollars, on demand, without a free tier: the only place where prices stand.

Each list says of which day it is, and which page has the present one. A region that has no list here takes that of us-east-1, and
whoever prices something is told so. GB are 2**30 bytes, as on AWS's bills.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

S3_PAGE = "https://aws.amazon.com/s3/pricing/"
GB = 1024**3
STANDARD = "STANDARD"
US_EAST_1 = "us-east-1"


@dataclass(frozen=True)
class PriceList:
    """The prices of S3 in one region, and of which day they are.

    By storage class: `writes` for one PUT, COPY, POST or LIST, `reads` for one GET, HEAD or anything else, `retrieval` for a GB
    that is read, `storage` for a GB and month, of the classes that are paid for a least time only. `transfer` is for a GB that
    leaves for another region, `nearby` for one that leaves for the regions that it names. `restores` has, by storage
    class and tier, what one request for a restored copy costs, and a GB of it.
    """

    date: str
    page: str
    writes: Mapping[str, float]
    reads: Mapping[str, float]
    retrieval: Mapping[str, float]
    storage: Mapping[str, float]
    transfer: float
    nearby: Mapping[str, float] = field(default_factory=dict)
    restores: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def write_usd(self, storage_class: str = STANDARD) -> float:
        """Return what writing costs, one request; a class that is not in the list costs as STANDARD."""
        return self.writes.get(storage_class, self.writes[STANDARD])

    def read_usd(self, storage_class: str = STANDARD) -> float:
        """Return what a request that reads costs; a class that is not in the list costs as STANDARD."""
        return self.reads.get(storage_class, self.reads[STANDARD])

    def restore_usd(self, storage_class: str, objects: int, size_bytes: int, tier: str) -> float:
        """Return what restoring so many objects of a class costs, GLACIER or DEEP_ARCHIVE, in a tier that it has.

        Not in it: the restored copies, which are paid as S3 Standard for each of their days.
        """
        per_request, per_gb = self.restores[storage_class, tier]
        return objects * per_request + size_bytes / GB * per_gb

    def transfer_usd(self, to: str | None) -> float:
        """Return what a GB costs on its way to another region."""
        return self.nearby.get(to or "", self.transfer)


_WRITES = {
    STANDARD: 0.005 / 1000,
    "REDUCED_REDUNDANCY": 0.005 / 1000,
    "INTELLIGENT_TIERING": 0.005 / 1000,
    "STANDARD_IA": 0.01 / 1000,
    "ONEZONE_IA": 0.01 / 1000,
    "GLACIER_IR": 0.02 / 1000,
    "GLACIER": 0.03 / 1000,
    "DEEP_ARCHIVE": 0.05 / 1000,
}
_READS = {
    STANDARD: 0.0004 / 1000,
    "STANDARD_IA": 0.001 / 1000,
    "ONEZONE_IA": 0.001 / 1000,
    "GLACIER_IR": 0.01 / 1000,
}
_RETRIEVAL = {"STANDARD_IA": 0.01, "ONEZONE_IA": 0.01, "GLACIER_IR": 0.03}
_STORAGE = {
    "STANDARD_IA": 0.0125,
    "ONEZONE_IA": 0.01,
    "GLACIER_IR": 0.004,
    "GLACIER": 0.0036,
    "DEEP_ARCHIVE": 0.00099,
}

# S3 Glacier Flexible Retrieval is GLACIER in the API: https://repost.aws/knowledge-center/s3-manage-data-retrieval
_RESTORES = {
    ("GLACIER", "Expedited"): (10.00 / 1000, 0.03),
    ("GLACIER", "Standard"): (0.05 / 1000, 0.01),
    ("GLACIER", "Bulk"): (0.0, 0.0),
    ("DEEP_ARCHIVE", "Standard"): (0.10 / 1000, 0.02),
    ("DEEP_ARCHIVE", "Bulk"): (0.025 / 1000, 0.0025),
}


def _as_in_virginia(date: str, nearby: Mapping[str, float] | None = None) -> PriceList:
    """Return the list of us-east-1 of this day, for it and for a region that is taken to ask the same."""
    return PriceList(date, S3_PAGE, _WRITES, _READS, _RETRIEVAL, _STORAGE, 0.02, nearby or {}, _RESTORES)


REGIONS = {
    US_EAST_1: _as_in_virginia("2025-10-28", {"us-east-2": 0.01}),
    "us-east-2": _as_in_virginia("2025-10-28", {US_EAST_1: 0.01}),
    "us-west-2": _as_in_virginia("2025-10-28"),
    "eu-west-1": _as_in_virginia("2025-10-28"),
}

# Of us-east-1, for all regions. arm64. 2025-10-28: https://aws.amazon.com/lambda/pricing/
LAMBDA_GB_SECOND_USD = 0.0000133334
LAMBDA_REQUEST_USD = 0.20 / 1_000_000
# Standard workflows. 2025-10-28: https://aws.amazon.com/step-functions/pricing/
STATE_TRANSITION_USD = 0.025 / 1000
# Requests of S3 to KMS are the account's. 2025-10-28: https://aws.amazon.com/kms/pricing/
KMS_REQUEST_USD = 0.03 / 10_000


def price_list(region: str | None) -> PriceList:
    """Return the prices of a region, those of us-east-1 where it has no list or is not known."""
    return REGIONS.get(region or US_EAST_1, REGIONS[US_EAST_1])


def without_list(regions: tuple[str | None, ...]) -> list[str]:
    """Return which of these regions have no list here, each once."""
    return sorted({region for region in regions if region and region not in REGIONS})
