"""Simulated deliveries of the three hospitals, signed and in their formats, with an answer key made from the simulated world itself."""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from jobs.simulate import aphp_lists, curie_biology, curie_rights, gr_biology, gr_rights, outcome
from jobs.simulate.aphp import Aphp
from jobs.simulate.calendar import CENTERS, Delivery, calendar, day_number, delivery_id, keys, round_of
from jobs.simulate.clinic import clinic
from jobs.simulate.curie import Curie
from jobs.simulate.deliver import Sender, Shipment
from jobs.simulate.dirt import Soiling
from jobs.simulate.facts import strata
from jobs.simulate.fate import Fates, hiding
from jobs.simulate.gr import Gr
from jobs.simulate.key import TABLES, Key
from jobs.simulate.manifest import announce, signed
from jobs.simulate.molecular import molecular, panel_genes
from jobs.simulate.options import Answer, Dirt, Faults
from jobs.simulate.people import FIRST_DIAGNOSIS, last_news, people, records
from jobs.simulate.profile import Profile
from jobs.simulate.rows import World
from jobs.simulate.survival import Luck

__all__ = ["Answer", "Dirt", "Faults", "simulate"]
# Patients simulated at a time: memory depends on this and on the number of deliveries, not on how many patients there are.
CHUNK = 2_000
HOSPITALS: dict[int, type[Gr] | type[Curie] | type[Aphp]] = {0: Gr, 1: Curie, 2: Aphp}


def simulate(
    patients: int, deliveries: int, seed: int, to: Path, dirt: Dirt | None = None, faults: Faults | bool = False
) -> Answer:
    """Writes `deliveries` deliveries of each hospital below `to`, with keys.json and truth/, and says what is in them.

    `to` must be empty or absent. `faults` says which deliveries go wrong (True: all kinds). The same arguments give the same bytes.
    """
    if patients < 1 or not 1 <= deliveries <= 24:
        raise ValueError(f"expected at least one patient and 1 to 24 deliveries, found {patients} and {deliveries}")
    if to.exists() and any(to.iterdir()):
        raise ValueError(f"expected an empty folder to write to, found files in {to}")
    faults = (Faults.all() if faults else Faults()) if isinstance(faults, bool) else faults
    refused = ("curie", deliveries // 2) if faults.refused else None
    plan = calendar(deliveries, refused)
    run = _Run(to, plan, deliveries, seed, dirt or Dirt())
    for chunk, first in enumerate(range(0, patients, CHUNK)):
        run.chunk(chunk, min(CHUNK, patients - first))
    return run.finish(patients, refused, late=faults.late and deliveries > 1)


class _Run:
    """One simulation: the open shipments, the key, and the dirt that goes on from chunk to chunk."""

    def __init__(self, to: Path, plan: tuple[Delivery, ...], rounds: int, seed: int, dirt: Dirt) -> None:
        self.to, self.plan, self.rounds, self.seed = to, plan, rounds, seed
        to.mkdir(parents=True, exist_ok=True)
        self.key = Key(to / "truth", plan)
        self.shipments = {d.step: Shipment(to, d, rounds) for d in plan}
        self.profile = Profile()
        self.soiling = Soiling(dirt, np.random.default_rng([seed, 99]), rounds)
        self.luck = Luck(len(strata()), np.random.default_rng([seed, 98]))
        self.events = 10_000
        self._panels()

    def of(self, center: int) -> list[Shipment]:
        return [self.shipments[d.step] for d in self.plan if d.center == CENTERS[center]]

    def _panels(self) -> None:
        """Panels and other lists that are the same whoever the patients are."""
        for shipment in self.of(0):
            feed = shipment.hospital.feed("panel")
            shipment.write(feed, gr_biology.panel())
            self.key.counts["gr", "panel_gene"][shipment.delivery.step :] = len(gr_biology.panel())
        for shipment in self.of(1):
            feed = shipment.hospital.feed("panel")
            for panel, genes in panel_genes().items():
                shipment.write(feed, pl.DataFrame({"GENE": genes}), name=curie_biology.PANELS[panel])
            self.key.counts["curie", "panel_gene"][shipment.delivery.step :] = sum(map(len, panel_genes().values()))
        first = self.of(2)[0]
        for domain, frame in aphp_lists.registers(day_number(first.delivery.window_to)).items():
            first.write(first.hospital.feed(domain), frame)

    def chunk(self, number: int, size: int) -> None:
        """Simulates a chunk of patients and adds it to every delivery."""
        rng = np.random.default_rng([self.seed, number])
        persons = people(size, rng, self.luck)
        own = records(persons, self.rounds, rng)
        acts = clinic(persons, own, rng)
        newest = _newest_diagnosis(acts.tumour, len(own), self.rounds)
        news, dead = last_news(own, persons, self.rounds, newest, rng)
        world = World(number, self.rounds, persons, own, acts, molecular(persons, own, acts, rng), news, dead)
        hidden = hiding(own, self.rounds)
        fates: dict[int, Fates] = {}
        standing: dict[int, outcome.Standing] = {}
        found: dict[int, list[outcome.Tumour]] = {}
        for center, hospital in HOSPITALS.items():
            rows = [self.soiling.apply(CENTERS[center], each, own) for each in hospital(world, rng).rows()]
            fates[center] = Fates(center, own, hidden)
            sender = Sender(center, own, hidden, self.of(center), self.key)
            for each in rows:
                fate = fates[center].add(each, self._sent_years() if each.domain == "stay" else None)
                self.key.count(center, each, fate)
                sender.send(each)
            self._rights(center, world, rng)
            self._merges(center, world)
            here, tumours = self._outcome(center, world, {each.domain: each for each in rows}, fates[center])
            standing |= here
            found |= tumours
        outcome.persons(self.key, own, standing, found)
        outcome.people(self.key, own, hidden, standing, self.plan)

    def _sent_years(self) -> dict[int, list[int]]:
        sent: dict[int, list[int]] = {}
        for shipment in self.of(0):
            for year in shipment.years:
                sent.setdefault(year, []).append(shipment.delivery.round)
        return sent

    def _outcome(self, center: int, world: World, rows: dict, fates: Fates) -> tuple[dict, dict]:
        step, found = self.key.steps - 1, fates.found
        for domain, each in rows.items():
            self.profile.add(center, each, found[domain], outcome.last(each), step)
        visits = (rows["visit"], found["visit"]) if center == 2 else None
        standing = outcome.standings(center, world.records, rows["patient"], found["patient"], visits, step)
        if center == 1:
            outcome.stages(self.key, rows["tumour"], found["tumour"], found["tnm"])
        if center < 2:
            outcome.genes(self.key, center, rows["analysis"], found["analysis"], rows["variant"], found["variant"])
            return standing, outcome.tumours(center, rows["tumour"], found["tumour"], None, step)
        inferred = outcome.infer(self.key, rows["condition"], found["condition"], rows["episode"], found["episode"])
        return standing, outcome.tumours(center, rows["episode"], found["episode"], inferred, step)

    def _rights(self, center: int, world: World, rng: np.random.Generator) -> None:
        ends = [day_number(shipment.delivery.window_to) for shipment in self.of(center)]
        if center == 2:
            events = aphp_lists.rights(world, ends, self.events, rng)
            self.events += len(events)
        else:
            listed = (gr_rights, curie_rights)[center].rights(world, ends, rng)
        own = world.records
        for shipment in self.of(center):
            round_, step = shipment.delivery.round, shipment.delivery.step
            if center == 2:
                rows = events.filter(pl.col("_round") == round_)
                self.key.counts["aphp", "rights_register"][step:] += len(rows.filter(pl.col("event") != "lift"))
            else:
                rows = (gr_rights, curie_rights)[center].rights_at(listed, round_)
                self.key.counts[CENTERS[center], "rights_register"][step : step + len(CENTERS)] += len(rows)
            shipment.write(shipment.hospital.feed("rights"), rows)
            shipment.opposed += int(((own.center == center) & (own.opposed <= round_) & (own.lifted > round_)).sum())

    def _merges(self, center: int, world: World) -> None:
        own = world.records
        for shipment in self.of(center):
            round_, end = shipment.delivery.round, day_number(shipment.delivery.window_to)
            due = own.merged <= round_ if center == 1 else own.merged == round_
            mine = np.flatnonzero((own.center == center) & due)
            days = [day_number(self.of(center)[int(r)].delivery.window_to) - 3 for r in own.merged[mine]]
            feed = shipment.hospital.feed("identity_merge")
            old, kept, when = (column.name for column in feed.columns[:3])
            rows = pl.DataFrame(
                {old: own.old_pseudonym[mine], kept: own.pseudonym[mine], when: pl.Series(days, dtype=pl.Int32).cast(pl.Date)}
            )
            if center == 2:
                stamp = pl.Series([end * 86_400_000_000] * len(mine), dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
                rows = rows.with_columns(pl.col(when).cast(pl.Datetime("us")), op=pl.lit("I"), extract_ts=stamp)
            else:
                rows = rows.with_columns(pl.col(when).dt.strftime("%d/%m/%Y" if center == 0 else "%Y-%m-%d"))
            shipment.write(feed, rows)

    def finish(self, patients: int, refused: tuple[str, int] | None, late: bool) -> Answer:
        """Closes and announces everything, makes the faults, writes what is left of the key."""
        register = keys(self.seed, self.plan)
        sizes, arrival, failed = {}, [], []
        for d in self.plan:
            key = next(k for k in register[d.center] if str(d.created.date()) <= k["not_after"])
            manifest = self.shipments[d.step].finish(key)
            sizes[d.id] = (len(manifest["files"]), sum(each["rows"] for each in manifest["files"]))
            if d.replaces:
                failed.append(_damaged(self.to, d, manifest, key))
                arrival.append(failed[-1])
            arrival.append(d.id)
        if late:
            arrival = _late(arrival, self.plan)
        _stamp(self.to, arrival, self.plan)
        (self.to / "keys.json").write_text(json.dumps(register, indent=1), encoding="utf-8")
        self.key.table("silver_profile", ("silver_table", "center", "column", "measure", "value"), self.profile.rows())
        self.key.finish(sizes)
        self._summary(arrival, failed)
        shutil.rmtree(self.to / ".work", ignore_errors=True)
        final = {c: {t: int(self.key.counts[c, t][-1]) for t in TABLES} for c in CENTERS}
        done = {kind: (able, dirty) for kind, (able, dirty) in sorted(self.soiling.done.items())}
        return Answer(self.to, patients, tuple(arrival), tuple(failed), final, sum(self.key.refused.values()), done)

    def _summary(self, arrival: list[str], failed: list[str]) -> None:
        done = {kind: {"able": able, "dirty": dirty} for kind, (able, dirty) in sorted(self.soiling.done.items())}
        summary = {
            "what": "Answer key of simulated deliveries",
            "arrival": arrival,
            "refused": failed,
            "rejected": dict(sorted(self.key.reasons.items())),
            "dirt": done,
            "silver_rows_at_end": {c: {t: int(self.key.counts[c, t][-1]) for t in TABLES} for c in CENTERS},
        }
        (self.to / "truth.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")


def _newest_diagnosis(tumour: pl.DataFrame, count: int, rounds: int) -> np.ndarray:
    """By record and round: the latest diagnosis that was delivered by then."""
    newest = np.full((count, rounds), FIRST_DIAGNOSIS)
    record, day = tumour["record"].to_numpy(), tumour["diagnosis"].to_numpy()
    first = round_of(tumour["known"].to_numpy(), rounds)
    for round_ in range(rounds):
        told = first <= round_
        np.maximum.at(newest[:, round_], record[told], day[told])
    return newest


def _damaged(to: Path, delivery: Delivery, manifest: dict, key: dict[str, str]) -> str:
    """The first attempt of a delivery: signed and complete, but a byte of one file was changed on the way."""
    name = delivery_id(delivery.center, delivery.created, 1)
    folder = (to / delivery.folder).parent / name
    shutil.copytree(to / delivery.folder, folder, ignore=shutil.ignore_patterns("manifest.json"))
    body = {k: v for k, v in manifest.items() if k != "signature"} | {"delivery_id": name, "replaces": None}
    victim = folder / "curie_mutations.maf.gz"
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0xFF
    victim.write_bytes(data)
    announce(folder, signed(body, key))
    return name


def _late(arrival: list[str], plan: tuple[Delivery, ...]) -> list[str]:
    """A delivery of AP-HP in the middle arrives right after its successor."""
    mine = [d.id for d in plan if d.center == "aphp"]
    late, after = mine[(len(mine) - 1) // 2], mine[(len(mine) - 1) // 2 + 1]
    order = [each for each in arrival if each != late]
    order.insert(order.index(after) + 1, late)
    return order


def _stamp(to: Path, arrival: list[str], plan: tuple[Delivery, ...]) -> None:
    """Gives the manifests the times of their arrival, an hour apart where the order asks for it."""
    folders = {path.parent.name: path for path in (to / "landing").rglob("manifest.json")}
    clock = plan[0].created
    for name in arrival:
        meant = next((d.created for d in plan if d.id == name), clock)
        clock = max(meant, clock + timedelta(hours=1))
        os.utime(folders[name], (clock.timestamp(), clock.timestamp()))
