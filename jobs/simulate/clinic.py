"""What happens to the patients of a chunk: tumours, lines, drugs, operations, radiation, events, responses, stays.

Every table has the record it belongs to and `known`, the day its hospital wrote it down. Nothing happens after the death, nor after
the last day the hospital hears of the patient.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from jobs.simulate.calendar import LAST_CUT_OFF, day_number
from jobs.simulate.draw import chance, pick, repeat, unless, where
from jobs.simulate.facts import drugs, metastases, regimens, sites
from jobs.simulate.people import Persons, Records
from jobs.simulate.tumours import NO_DAY, table, tumours

# Assumptions of the authors: shares treated by stage group (tumours.STAGES).
SYSTEMIC = np.array([0.3, 0.6, 0.8, 0.85, 0.7])
OPERATED = np.array([0.95, 0.9, 0.7, 0.25, 0.7])
RADIATED = np.array([0.3, 0.35, 0.4, 0.3, 0.35])
RELAPSE_A_YEAR = np.array([0.03, 0.07, 0.16, 0.4, 0.2])
TOXICITIES = (
    "Nausées",
    "Anémie",
    "Neutropénie",
    "Thrombopénie",
    "Asthénie",
    "Mucite buccale",
    "Neuropathie périphérique",
    "Diarrhée",
)
MEDDRA = ("10028813", "10002034", "10029354", "10043554", "10003549", "10028127", "10029331", "10012735")


@dataclass(frozen=True)
class Clinic:
    """The clinical tables of a chunk, each with the columns `record` and `known`."""

    tumour: pl.DataFrame
    event: pl.DataFrame
    line: pl.DataFrame
    drug: pl.DataFrame
    surgery: pl.DataFrame
    radiotherapy: pl.DataFrame
    response: pl.DataFrame
    toxicity: pl.DataFrame
    stay: pl.DataFrame


def clinic(persons: Persons, own: Records, rng: np.random.Generator) -> Clinic:
    """All that happens, tumour by tumour."""
    tumour = tumours(persons, own, rng)
    view = _View(persons, own, tumour)
    line = lines(view, rng)
    drug = administrations(view, line, rng)
    event = events(view, rng)
    surgery = operations(view, rng)
    radiotherapy = courses(view, rng)
    return Clinic(
        tumour,
        event,
        line.drop("atc"),
        drug,
        surgery,
        radiotherapy,
        responses(view, line, rng),
        toxicities(view, line, rng),
        stays(view, drug, surgery, radiotherapy, event, rng),
    )


class _View:
    """Arrays by tumour that every table starts from."""

    def __init__(self, persons: Persons, own: Records, tumour: pl.DataFrame) -> None:
        self.record = tumour["record"].to_numpy()
        self.site = tumour["site"].to_numpy()
        self.stage = tumour["stage_group"].to_numpy()
        self.diagnosis = tumour["diagnosis"].to_numpy()
        self.start = np.maximum(self.diagnosis, own.start[self.record])
        self.known = own.known
        person = own.person[self.record]
        self.end = np.minimum(np.minimum(persons.death[person] - 1, own.hears[self.record]), day_number(LAST_CUT_OFF))
        self.here = own.start[self.record] <= self.diagnosis  # diagnosed in this hospital
        self.birth = persons.birth[person]

    def written(self, record: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The day a fact of `day` was written down: within six weeks, never before the patient was registered."""
        return np.maximum(day + rng.integers(1, 43, size=len(day)), self.known[record])


def _given(view: _View, tumour: np.ndarray, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The drugs of each line, by the regimens that its site has from that line on; None where it has none."""
    cohorts = [each.cohort for each in sites()]
    drugs_of = np.full(len(tumour), None, dtype=object)
    for (cohort, number), (options, share) in regimens().items():
        position = cohorts.index(cohort) if cohort in cohorts else -1
        mine = np.flatnonzero((view.site[tumour] == position) & (place + 1 >= number))
        names = np.array([" + ".join(each) for each in options], dtype=object)
        drugs_of[mine] = names[rng.choice(len(options), size=len(mine), p=share)]
    return drugs_of


def lines(view: _View, rng: np.random.Generator) -> pl.DataFrame:
    """Lines of systemic treatment by the regimens of the site; a line that would begin after the end never does."""
    treated = chance(rng, SYSTEMIC[view.stage], len(view.site))
    counts = np.where(treated, np.minimum(rng.geometric(0.6, size=len(view.site)), 4), 0)
    tumour, place = repeat(counts)
    if not len(tumour):
        tumour, place = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    cycles = rng.integers(2, 7, size=len(tumour))
    atc = _given(view, tumour, place, rng)
    table_ = drugs()
    interval = np.array([min(table_[a].interval for a in each.split(" + ")) if each else 21 for each in atc])
    length = cycles * interval
    gap = np.where(
        place == 0, rng.integers(15, 90, size=len(tumour)), 20 + rng.exponential(220, size=len(tumour)).astype(np.int64)
    )
    span = np.cumsum(gap + length)
    before = np.concatenate([[0], span])[np.searchsorted(tumour, tumour, side="left")]
    begin = view.start[tumour] + span - length - before
    keep = np.flatnonzero((begin <= view.end[tumour]) & np.array([each is not None for each in atc]))
    told = (tumour, begin, cycles, length, atc, place, interval)
    tumour, begin, cycles, length, atc, place, interval = (each[keep] for each in told)
    end = begin + length
    cut = end > view.end[tumour]
    record, count = view.record[tumour], len(keep)
    advanced = (view.stage[tumour] == 3) | (place > 0)
    return table(
        record=record,
        tumour=tumour,
        number=place + 1,
        atc=atc,
        label=np.array([" - ".join(table_[a].dci.capitalize() for a in each.split(" + ")) for each in atc], dtype=object),
        setting=np.where(advanced, "META", pick(rng, ("ADJ", "NEOADJ"), (0.7, 0.3), count)),
        intent=np.where(advanced, "PALLIATIF", "CURATIF").astype(object),
        start=begin,
        end=np.where(cut, NO_DAY, end),
        cycles=cycles,
        interval=interval,
        stop=pick(rng, ("FIN_PROTOCOLE", "PROGRESSION", "TOXICITE", "CHOIX"), (0.6, 0.25, 0.12, 0.03), count),
        trial=where(chance(rng, 0.05, count), pick(rng, ("ONC-101", "ONC-214", "ONC-309", "ONC-407"), (1, 1, 1, 1), count)),
        known=view.written(record, begin, rng),
        known_end=view.written(record, np.where(cut, 2 * 10**6, end), rng),
    )


def administrations(view: _View, line: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Every drug of every cycle that was reached."""
    table_ = drugs()
    names = line["atc"].str.split(" + ")
    parent, _ = repeat(names.list.len().to_numpy().astype(np.int64))
    atc = names.explode().to_numpy()
    each, cycle = repeat(line["cycles"].to_numpy()[parent])
    parent, atc = parent[each], atc[each]
    day = line["start"].to_numpy()[parent] + cycle * line["interval"].to_numpy()[parent]
    keep = np.flatnonzero(day <= view.end[line["tumour"].to_numpy()[parent]])
    parent, atc, cycle, day = parent[keep], atc[keep], cycle[keep], day[keep]
    record, count = line["record"].to_numpy()[parent], len(keep)
    dose = np.array([table_[a].dose for a in atc], dtype=float)
    given = np.round(dose * rng.choice([1.0, 1.0, 1.0, 0.8, 0.75], size=count), 3)
    return table(
        record=record,
        tumour=line["tumour"].to_numpy()[parent],
        line=parent,
        first=cycle == 0,
        cycle=cycle + 1,
        atc=atc.astype(object),
        dose=dose,
        given=np.where(chance(rng, 0.04, count), np.nan, given),
        day=day,
        status=pick(rng, ("ADMINISTRE", "ANNULE", "REPORTE"), (0.96, 0.02, 0.02), count),
        known=view.written(record, day, rng),
    )


def operations(view: _View, rng: np.random.Generator) -> pl.DataFrame:
    """The operation of the primary, by stage, where the site is operated at all and was diagnosed here."""
    codes = [each.ccam for each in sites()]
    able = np.array([bool(each) for each in codes])[view.site]
    day = view.diagnosis + rng.integers(0, 60, size=len(view.site))
    tumour = np.flatnonzero(able & view.here & (day <= view.end) & chance(rng, OPERATED[view.stage], len(view.site)))
    count = len(tumour)
    return table(
        record=view.record[tumour],
        tumour=tumour,
        day=day[tumour],
        ccam=np.array([rng.choice(codes[site]) for site in view.site[tumour]], dtype=object),
        label=np.array([each.act for each in sites()], dtype=object)[view.site[tumour]],
        resection=unless(chance(rng, 0.1, count), pick(rng, ("R0", "R1", "R2", "RX"), (0.85, 0.1, 0.02, 0.03), count)),
        known=view.written(view.record[tumour], day[tumour], rng),
    )


def courses(view: _View, rng: np.random.Generator) -> pl.DataFrame:
    """Courses of radiotherapy: curative ones of 25 to 35 sessions, palliative ones of 1 to 10."""
    begin = view.start + rng.integers(40, 200, size=len(view.site))
    tumour = np.flatnonzero((begin <= view.end - 50) & chance(rng, RADIATED[view.stage], len(view.site)))
    count = len(tumour)
    palliative = (view.stage[tumour] == 3) | chance(rng, 0.1, count)
    sessions = np.where(palliative, rng.integers(1, 11, size=count), rng.integers(25, 36, size=count))
    dose = np.where(palliative, 3.0, 2.0)
    return table(
        record=view.record[tumour],
        tumour=tumour,
        start=begin[tumour],
        end=begin[tumour] + sessions * 7 // 5,
        sessions=sessions,
        dose=dose,
        palliative=palliative,
        technique=pick(rng, ("VMAT", "IMRT", "RC3D", "STEREO", "CURIE"), (0.4, 0.25, 0.2, 0.1, 0.05), count),
        known=view.written(view.record[tumour], begin[tumour] + 50, rng),
    )


def events(view: _View, rng: np.random.Generator) -> pl.DataFrame:
    """Relapses: the first after an exponential time by stage, most of them metastases in the places of the site."""
    wait = rng.exponential(365.25 / RELAPSE_A_YEAR[view.stage], size=len(view.site)).astype(np.int64) + 60
    tumour = np.flatnonzero(view.start + wait <= view.end)
    count, day = len(tumour), (view.start + wait)[tumour]
    kind = pick(rng, ("metastasis", "recurrence", "progression"), (0.5, 0.25, 0.25), count)
    place = np.full(count, None, dtype=object)
    known_places = metastases()
    for position, site in enumerate(sites()):
        options, share = known_places.get(site.msk, (("C34.9", "C22.0", "C41.9"), np.ones(3)))
        mine = np.flatnonzero(view.site[tumour] == position)
        place[mine] = pick(rng, options, share, len(mine))
    return table(
        record=view.record[tumour],
        tumour=tumour,
        kind=kind,
        day=day,
        topography=where(kind == "metastasis", place),
        evidence=unless(
            chance(rng, 0.15, count), pick(rng, ("IMAGERIE", "HISTO", "CLINIQUE", "MARQUEUR"), (0.7, 0.2, 0.05, 0.05), count)
        ),
        known=view.written(view.record[tumour], day, rng),
    )


def responses(view: _View, line: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """What a line achieved, evaluated some weeks after its start."""
    begin, tumour = line["start"].to_numpy(), line["tumour"].to_numpy()
    day = begin + rng.integers(40, 100, size=len(begin))
    parent = np.flatnonzero((day <= view.end[tumour]) & chance(rng, 0.7, len(begin)))
    count, record = len(parent), view.record[tumour[parent]]
    response = pick(rng, ("CR", "PR", "SD", "PD", "NE"), (0.15, 0.3, 0.3, 0.22, 0.03), count)
    return table(
        record=record,
        tumour=tumour[parent],
        line=parent,
        day=day[parent],
        response=response,
        size=np.where((response == "CR") | chance(rng, 0.4, count), np.nan, rng.integers(10, 120, size=count).astype(float)),
        lesion=np.where(response == "PD", chance(rng, 0.5, count), False),
        known=view.written(record, day[parent], rng),
    )


def toxicities(view: _View, line: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Adverse events during a line."""
    begin, tumour = line["start"].to_numpy(), line["tumour"].to_numpy()
    parent, _ = repeat(rng.poisson(0.6, size=len(begin)))
    day = begin[parent] + rng.integers(1, 60, size=len(parent))
    keep = np.flatnonzero(day <= view.end[tumour[parent]])
    parent, day, count = parent[keep], day[keep], len(keep)
    record, which = view.record[tumour[parent]], rng.integers(0, len(TOXICITIES), size=count)
    return table(
        record=record,
        tumour=tumour[parent],
        line=parent,
        day=day,
        end=np.where(chance(rng, 0.3, count), NO_DAY, day + rng.integers(0, 20, size=count)),
        term=np.array(TOXICITIES, dtype=object)[which],
        meddra=np.array(MEDDRA, dtype=object)[which],
        grade=rng.choice([1, 2, 3, 4, 5], size=count, p=[0.4, 0.35, 0.2, 0.045, 0.005]),
        related=pick(rng, ("OUI", "NON", "POSSIBLE"), (0.6, 0.1, 0.3), count),
        known=view.written(record, np.where(day > 0, day + 20, day), rng),
    )


def stays(
    view: _View,
    drug: pl.DataFrame,
    surgery: pl.DataFrame,
    radiotherapy: pl.DataFrame,
    event: pl.DataFrame,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Contacts with the hospital: work-up, operation, sessions of chemotherapy and radiotherapy, relapse, yearly consultations."""
    sessions = drug.filter(pl.col("status") == "ADMINISTRE").unique(["record", "day"], keep="first", maintain_order=True)
    years = np.maximum(np.minimum((view.end - view.start) // 365, 6), 0)
    visited, place = repeat(years)
    parts = [
        ("workup", np.arange(len(view.site)), view.start, np.ones(len(view.site), dtype=np.int64), None),
        (
            "surgery",
            surgery["tumour"].to_numpy(),
            surgery["day"].to_numpy(),
            rng.integers(2, 9, size=len(surgery)),
            surgery["ccam"],
        ),
        ("chemo", sessions["tumour"].to_numpy(), sessions["day"].to_numpy(), np.zeros(len(sessions), dtype=np.int64), None),
        (
            "radio",
            radiotherapy["tumour"].to_numpy(),
            radiotherapy["start"].to_numpy(),
            np.zeros(len(radiotherapy), dtype=np.int64),
            None,
        ),
        ("relapse", event["tumour"].to_numpy(), event["day"].to_numpy(), rng.integers(1, 6, size=len(event)), None),
        ("consult", visited, view.start[visited] + 365 * (place + 1) - 10, np.zeros(len(visited), dtype=np.int64), None),
    ]
    found = []
    for kind, tumour, entry, length, ccam in parts:
        found.append(
            table(
                record=view.record[tumour],
                tumour=tumour,
                entry=entry.astype(np.int64),
                exit=np.minimum(entry + length, np.maximum(view.end[tumour], entry)).astype(np.int64),
                known=view.written(view.record[tumour], entry + length, rng),
            ).with_columns(
                pl.lit(kind).alias("kind"),
                (pl.lit(None, pl.String) if ccam is None else ccam).alias("ccam"),
                pl.Series("place", event["topography"] if kind == "relapse" else [None] * len(tumour), dtype=pl.String),
                pl.Series("comorbid", chance(rng, 0.15, len(tumour))),
            )
        )
    return pl.concat(found)
