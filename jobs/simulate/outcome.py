"""The part of the answer key that looks at persons: groups, vital status, survival, inferred tumours, genes, oppositions, links."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from jobs.simulate import curie_biology, gr_biology
from jobs.simulate.calendar import CENTERS, NEVER, Delivery, day_of
from jobs.simulate.fate import Fate, Hiding
from jobs.simulate.key import Key
from jobs.simulate.molecular import panel_genes
from jobs.simulate.people import Records
from jobs.simulate.rows import Rows

# Key, whether inferred, day of diagnosis, precision.
Tumour = tuple[str, int, int | None, str]
PANEL_NAMES = {0: gr_biology.PANELS, 1: curie_biology.PANELS}


@dataclass(frozen=True)
class Standing:
    """What a hospital's own rows say of a current patient at the end."""

    pseudonym: str
    status: str
    death: int | None
    news: int | None
    coarse: bool  # dates known by the month


def last(rows: Rows) -> pl.DataFrame:
    """The winning version of every entity, in the order of its fate: the last that is neither refused nor a deletion."""
    good = rows.frame.filter(pl.col("_reason").is_null() & ~pl.col("_deleted"))
    whole = rows.frame.select("_entity").unique(maintain_order=True).sort("_entity")
    chosen = good.sort("_entity", "_round", "_order", maintain_order=True).unique("_entity", keep="last", maintain_order=True)
    return whole.join(chosen, on="_entity", how="left", maintain_order="left")


def infer(key: Key, conditions: Rows, condition: Fate, episodes: Rows, episode: Fate) -> pl.DataFrame:
    """Adds the tumours that must be inferred at every step; returns those of the last: record, category, diagnosis day."""
    coded, told = last(conditions), last(episodes)
    category = coded["_code"].str.slice(0, 3)
    eligible = (
        category.str.contains(r"^C\d\d$").fill_null(False) & ~category.is_in(["C77", "C78", "C79", "C80"]) & (category <= "C96")
    )
    frame = pl.DataFrame({"record": condition.record, "category": category, "day": coded["_day"], "able": eligible})
    primary = told["_primary"].fill_null(0).to_numpy() == 1
    found = frame.head(0)
    for step in range(key.steps):
        has = np.unique(episode.record[episode.current(step) & primary])
        mine = pl.Series(condition.current(step) & ~np.isin(condition.record, has)) & frame["able"]
        found = frame.filter(mine)
        key.counts["aphp", "primary_cancer"][step] += (
            found.select(pl.struct("record", "category").n_unique()).item() if len(found) else 0
        )
    return found.group_by("record", "category", maintain_order=True).agg(pl.col("day").min())


def stages(key: Key, primaries: Rows, primary: Fate, tnm: Fate) -> None:
    """Adds, at every step, the primaries whose stage group stands alone because their TNM row is not current."""
    staged = last(primaries)["_staged"].fill_null(False).to_numpy()
    for step in range(key.steps):
        alone = staged & primary.current(step) & ~np.isin(primary.entity, tnm.entity[tnm.current(step)])
        key.counts["curie", "staging"][step] += int(alone.sum())


def genes(key: Key, center: int, analyses: Rows, analysis: Fate, variants: Rows, variant: Fate) -> None:
    """Samples and persons tested and altered for each gene of each panel, at the end."""
    step = key.steps - 1
    rows = (
        last(analyses)
        .with_columns(pl.Series("record", analysis.record))
        .filter(pl.Series(analysis.current(step)) & pl.col("_panel").is_not_null())
    )
    members = {PANEL_NAMES[center][panel]: names for panel, names in panel_genes().items()}
    tested = pl.DataFrame(
        [(panel, gene) for panel, names in members.items() for gene in names], schema=["_panel", "gene"], orient="row"
    )
    covered = rows.select("_panel", "_sample", "record").join(tested, on="_panel", how="inner")
    hit = last(variants).filter(pl.Series(variant.current(step))).select("_sample", gene="_gene").unique()
    altered = covered.join(hit, on=["_sample", "gene"], how="inner")
    for counter, frame in ((key.tested, covered), (key.altered, altered)):
        for gene, samples, persons in (
            frame.group_by("gene").agg(pl.col("_sample").n_unique(), pl.col("record").n_unique()).iter_rows()
        ):
            counter[CENTERS[center], gene, "s"] += samples
            counter[CENTERS[center], gene, "p"] += persons


def standings(
    center: int, own: Records, patients: Rows, fate: Fate, visits: tuple[Rows, Fate] | None, step: int
) -> dict[int, Standing]:
    """By record: the current patients of a hospital."""
    rows = last(patients).filter(pl.Series(fate.current(step)))
    seen: dict[int, int] = {}
    if visits is not None:
        live = last(visits[0]).with_columns(pl.Series("record", visits[1].record)).filter(pl.Series(visits[1].current(step)))
        latest = live.with_columns(pl.max_horizontal("_starts", "_ends").alias("day")).group_by("record").agg(pl.col("day").max())
        seen = dict(latest.iter_rows())
    found = {}
    for record, pid, status, death, news in rows.select("_record", "_pid", "_status", "_death", "_news").iter_rows():
        if visits is not None:
            news = max((day for day in (seen.get(record), death) if day is not None), default=None)
        found[record] = Standing(pid, status, death, news, coarse=center == 1)
    return found


def resolve(members: list[Standing]) -> tuple[str, int | None, bool, int | None, bool]:
    """Vital status, death (and whether by the month), last news (and whether by the month) of a group of records."""
    status = "deceased" if any(m.status == "deceased" for m in members) else "alive"
    deaths = sorted((m.coarse, m.death) for m in members if m.death is not None)
    news = sorted((m.news, not m.coarse) for m in members if m.news is not None)
    return (
        status,
        *((deaths[0][1], deaths[0][0]) if deaths else (None, False)),
        *((news[-1][0], not news[-1][1]) if news else (None, False)),
    )


def persons(key: Key, own: Records, standing: dict[int, Standing], tumours: dict[int, list[Tumour]]) -> None:
    """Lists every current person with the resolved status of its group, and the survival of every current tumour."""
    done: set[int] = set()
    for record in sorted(standing):
        if record in done:
            continue
        other = int(own.pair[record])
        group = [record] + ([other] if own.linked[record] and other in standing else [])
        done.update(group)
        key.groups += 1
        status, death, coarse_death, news, coarse_news = resolve([standing[each] for each in group])
        key.listed(
            "persons",
            [
                (
                    key.groups, CENTERS[own.center[each]], standing[each].pseudonym, standing[each].status, _date(standing[each].death),
                    _date(standing[each].news), status, _date(death), _date(news),
                )
                for each in group
            ],
        )  # fmt: skip
        end, coarse = (death, coarse_death) if death is not None else (news, coarse_news)
        for each in group:
            for name, inferred, diagnosis, precision in tumours.get(each, []):
                days = "" if diagnosis is None or end is None else end - diagnosis
                fine = "month" if coarse or precision != "day" else "day"
                key.listed(
                    "survival",
                    [
                        (
                            CENTERS[own.center[each]], standing[each].pseudonym, name, inferred, 1, _date(diagnosis), precision, status,
                            int(status == "deceased"), days, fine, "", "",
                        )
                    ],
                )  # fmt: skip


def _date(day: int | None) -> str:
    return "" if day is None else str(day_of(day))


def tumours(center: int, rows: Rows, fate: Fate, inferred: pl.DataFrame | None, step: int) -> dict[int, list[Tumour]]:
    """By record: the current primary tumours, declared and inferred."""
    name = rows.feed.key[0]
    frame = last(rows).filter(
        pl.Series(fate.current(step)) & (pl.col("_primary") == 1 if "_primary" in rows.frame.columns else True)
    )
    found: dict[int, list[Tumour]] = {}
    for record, key, diagnosis, precision in frame.select("_record", name, "_diagnosis", "_precision").iter_rows():
        found.setdefault(record, []).append((str(key), 0, diagnosis, precision))
    if inferred is not None:
        for record, category, diagnosis in inferred.iter_rows():
            found.setdefault(record, []).append((category, 1, diagnosis, "day"))
    return found


def people(key: Key, own: Records, hidden: Hiding, standing: dict[int, Standing], deliveries: tuple[Delivery, ...]) -> None:
    """Lists who objects, who is linked, who was merged."""
    by_place = {(d.center, d.round): d.id for d in deliveries}
    rounds = len(deliveries) // len(CENTERS)

    def delivered(record: int, round_: float) -> str:
        return by_place.get((CENTERS[own.center[record]], int(round_)), "") if round_ < rounds else ""

    for record in np.flatnonzero(hidden.since < NEVER).tolist():
        source = record if hidden.own[record] else int(own.pair[record])
        absent = hidden.scope[record] == "all" and hidden.until[record] >= len(deliveries)
        key.listed(
            "opposed_patients",
            [
                (
                    CENTERS[own.center[record]], own.pseudonym[record], "own" if source == record else "linked", CENTERS[own.center[source]],
                    own.pseudonym[source], hidden.scope[record], delivered(source, own.opposed[source]), delivered(source, own.lifted[source]), int(absent),
                )
            ],
        )  # fmt: skip
    for record in np.flatnonzero((own.pair > np.arange(len(own))) & (own.first < NEVER)).tolist():
        other = int(own.pair[record])
        if own.first[other] == NEVER:
            continue
        one, two = sorted((record, other), key=lambda each: CENTERS[int(own.center[each])])
        linked = int(own.linked[record])
        key.listed(
            "linked_pairs",
            [
                (
                    CENTERS[own.center[one]], own.pseudonym[one], CENTERS[own.center[two]], own.pseudonym[two], own.kind[record],
                    int(bool(linked) or own.kind[record] == "conflict"), linked, int(record in standing and other in standing),
                )
            ],
        )  # fmt: skip
    for record in np.flatnonzero(own.merged < rounds).tolist():
        key.listed(
            "merges",
            [
                (
                    CENTERS[own.center[record]],
                    own.old_pseudonym[record],
                    own.pseudonym[record],
                    delivered(record, own.merged[record]),
                )
            ],
        )
