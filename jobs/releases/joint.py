"""Releases that live at the same time are one to an attacker, who lays one beside the other: k has to hold of all of them together."""

from collections.abc import Mapping

import polars as pl

from jobs.errors import GateFailed, LakehouseError
from jobs.releases.store import Release, Store
from jobs.teaching._quasi import QUASI

CLASS = pl.concat_str(QUASI, separator="|")
UNKNOWN = "not known"


def check_join(store: Store, release: Release) -> None:
    """GateFailed where a release and the live ones together tell fewer patients apart than k."""
    live = [each for each in store.releases() if each.name in store.live() and each.name != release.name]
    rows = store.patients(release.name, *(each.name for each in live))
    if not rows.filter(release=release.name).height:
        raise LakehouseError(f"Expected to know who is in {release.name}, found nobody: revoke it and make it again.")
    if not live:
        return
    written = {each.name: sizes(store, each.name) for each in (release, *live)}
    smallest, least = smallest_group(rows, written), max(each.k for each in (release, *live))
    if smallest is not None and smallest < least:
        others = ", ".join(sorted(each.name for each in live))
        raise GateFailed(
            f"Expected at least {least} patients in every group that {release.name} and {others} tell apart together, found {smallest}: who "
            "subtracts one from the other finds them. Revoke the older one first, if it is no longer taught with."
        )


def sizes(store: Store, release: str) -> dict[str, int]:
    """By class how many patients the written table of a release has."""
    written = pl.scan_delta(str(store.place(release) / "edu_patient"))
    return dict(written.group_by(CLASS.alias("class")).len().collect().iter_rows())


def smallest_group(rows: pl.DataFrame, written: Mapping[str, Mapping[str, int]]) -> int | None:
    """The fewest patients who are told alike by every release, or are absent from it alike; None where no class is parted by another release.

    `rows` has `release`, `patient_id` and `class` of who is listed, `written` by release how many each of its classes has. Whoever was erased
    is in the table of an older release and on no list: that counts as in this release and absent from every other one.
    """
    names = sorted(written)
    # One column a release: the class of a patient there, empty where the patient is absent.
    seen = pl.DataFrame({"patient_id": rows["patient_id"].unique()})
    for name in names:
        mine = rows.filter(release=name).select("patient_id", pl.col("class").alias(name))
        seen = seen.join(mine, on="patient_id", how="left")
    gone = {name: _unlisted(seen[name], written[name]) for name in names}
    groups = [seen.group_by(names).agg(n=pl.len().cast(pl.Int64))]
    for name in names:
        row = {each: UNKNOWN if _may_share(seen, gone, name, each) else None for each in names}
        groups += [pl.DataFrame([row | {name: told, "n": n}], schema=groups[0].schema) for told, n in gone[name].items()]
    every = pl.concat(groups).group_by(names).agg(pl.col("n").sum())
    # A class that no other release parts was counted when its own release was made, by its own k.
    whole = [(pl.col(name) != UNKNOWN) & (pl.col("n") == pl.col("n").sum().over(name)) for name in names]
    parted = every.filter(~pl.any_horizontal(whole).fill_null(value=False))["n"]
    return int(parted.min()) if parted.len() else None  # type: ignore[arg-type]


def _unlisted(listed: pl.Series, written: Mapping[str, int]) -> dict[str, int]:
    """By class how many patients of the written table are on no list."""
    known = dict(listed.drop_nulls().value_counts(name="n").iter_rows())
    return {told: n - known.get(told, 0) for told, n in written.items() if n > known.get(told, 0)}


def _may_share(seen: pl.DataFrame, gone: Mapping[str, Mapping[str, int]], one: str, other: str) -> bool:
    """Whether those who are gone from one list may be those who are gone from another: the releases have patients in common, and both miss some.

    Then they are a group of their own, and fail safe: nobody knows any more where they belong.
    """
    in_common = seen[one].is_not_null() & seen[other].is_not_null()
    return one != other and bool(gone[one]) and bool(gone[other]) and bool(in_common.any())
