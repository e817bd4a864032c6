"""A trainee's own cohort: four tumours of five, other ones for everybody, so that a neighbour's number is wrong."""

import hashlib
from collections.abc import Iterable

# The same rule for Spark and for every engine that has SHA-256. `{seed}` is the trainee's variant.
COHORT_SQL = "cast(conv(substr(sha2(concat('{seed}', ':', tumor_no), 256), 1, 8), 16, 10) as bigint) % 5 <> 0"


def is_in_cohort(seed: int, tumor_no: int) -> bool:
    """True for a tumour of the cohort of this variant."""
    return int(hashlib.sha256(f"{seed}:{tumor_no}".encode()).hexdigest()[:8], 16) % 5 != 0


def cohort(seed: int, tumor_nos: Iterable[int]) -> list[int]:
    """The tumours of this variant, in rising order."""
    return sorted(tumor_no for tumor_no in tumor_nos if is_in_cohort(seed, tumor_no))
