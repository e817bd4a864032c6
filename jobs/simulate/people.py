"""The people of a chunk: who falls ill, of what, when, dies when; where they are known, and what they object to."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from jobs.simulate.calendar import LAST_CUT_OFF, NEVER, cut_offs, day_number, round_of
from jobs.simulate.draw import chance, hex_text, pick, pseudonyms, where
from jobs.simulate.facts import sites, strata
from jobs.simulate.survival import Luck, days_to_death

FIRST_DIAGNOSIS = 16_071  # 2014-01-01
FOREVER = 1_000_000
CENTER_SHARE = (0.36, 0.3, 0.34)
TWO_HOSPITALS = 0.06
OPPOSED = 0.02
LIFTED = 0.3
STILL_SENT = 0.25
MERGED = 0.01
TOKEN_CONFLICT = 0.002
LOST = 0.06
SCOPES = ("all", "genetics", "samples", "industry")


@dataclass(frozen=True)
class Persons:
    """One entry a person: what is true, whoever knows it. Days are counted from 1970."""

    stratum: np.ndarray
    site: np.ndarray
    woman: np.ndarray
    birth: np.ndarray
    diagnosis: np.ndarray
    death: np.ndarray


@dataclass(frozen=True)
class Records:
    """One entry a person and hospital: what that hospital knows, and how it sends it. Rounds count its deliveries."""

    person: np.ndarray
    center: np.ndarray
    pseudonym: pl.Series
    old_pseudonym: pl.Series  # null unless merged
    token: pl.Series  # null where the hospital has none
    start: np.ndarray  # the first day at this hospital
    known: np.ndarray  # the day it was registered
    hears: np.ndarray  # nothing later reaches this hospital
    mart: np.ndarray  # aphp: the site codes tumours
    first: np.ndarray  # round of the first delivery
    pair: np.ndarray  # the person's other record, or -1
    kind: np.ndarray  # of the pair: a, b, c, conflict, or empty
    linked: np.ndarray  # the pair can be recognised by its token
    scope: np.ndarray
    opposed: np.ndarray  # round of the opposition stated here
    lifted: np.ndarray  # round of its lift
    still_sent: np.ndarray  # the hospital goes on sending the rows
    informed: np.ndarray  # round of an information without opposition
    merged: np.ndarray  # round of the merge of the old pseudonym
    kept_since: np.ndarray  # round of the kept patient's first row
    plain: np.ndarray  # nothing special: may carry dirt

    def __len__(self) -> int:
        return len(self.person)


def people(count: int, rng: np.random.Generator, luck: Luck) -> Persons:
    """`count` persons by the incidence of their site and sex, with stage, age, and the day of death their stratum gives them."""
    table, places = strata(), sites()
    cases = np.array([[site.men, site.women] for site in places])
    drawn = rng.choice(cases.size, size=count, p=cases.ravel() / cases.sum())
    site, woman = drawn // 2, drawn % 2 == 1
    stratum = np.zeros(count, dtype=np.int64)
    for place in range(len(places)):
        here = np.flatnonzero(site == place)
        options = [n for n, each in enumerate(table) if each.site == place]
        share = np.array([table[n].share for n in options])
        stratum[here] = rng.choice(options, size=len(here), p=share / share.sum())
    middle = np.array([each.age for each in places])[site, woman.astype(int)]
    spread = np.array([each.age_sd for each in places])[site]
    age = np.clip(rng.normal(middle, spread), 18, 96)
    diagnosis = rng.integers(FIRST_DIAGNOSIS, day_number(LAST_CUT_OFF) - 62, size=count)
    birth = (diagnosis - age * 365.25).astype(np.int64)
    birth = birth.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 14
    death = diagnosis + days_to_death(table, stratum, luck)
    return Persons(stratum, site, woman, birth, diagnosis, death)


def records(persons: Persons, rounds: int, rng: np.random.Generator) -> Records:
    """Where each person is known. One in sixteen is treated in two hospitals, the second later and with other knowledge."""
    count, end = len(persons.site), day_number(LAST_CUT_OFF)
    center = rng.choice(3, size=count, p=CENTER_SHARE)
    moves = persons.diagnosis + rng.integers(60, 700, size=count)
    moving = np.flatnonzero(chance(rng, TWO_HOSPITALS, count) & (moves < np.minimum(persons.death, end) - 130))
    person = np.concatenate([np.arange(count), moving])
    total = len(person)
    centers = np.concatenate([center, (center[moving] + rng.integers(1, 3, size=len(moving))) % 3])
    start = np.concatenate([persons.diagnosis, moves[moving]])
    pair = np.full(total, -1)
    second = np.arange(count, total)
    pair[moving], pair[second] = second, moving
    kind = np.full(total, "", dtype=object)
    kind[moving] = kind[second] = pick(rng, ("a", "b", "c"), (0.55, 0.2, 0.25), len(moving))
    hears = np.where(chance(rng, LOST, total), start + 40 + rng.exponential(1500, size=total).astype(np.int64), FOREVER)
    hears[pair >= 0] = FOREVER
    hears[second] = np.where(kind[second] == "a", start[second] + rng.integers(60, 600, size=len(second)), hears[second])
    hears[moving] = np.where(kind[moving] == "b", start[second] + rng.integers(0, 90, size=len(second)), hears[moving])
    known = start + rng.integers(36, 61, size=total)
    special = _special(persons, person, centers, pair, round_of(known, rounds), rounds, rng)
    return Records(
        person=person,
        center=centers,
        pseudonym=pseudonyms(rng, total),
        start=start,
        known=known,
        hears=hears,
        mart=chance(rng, 0.6, total),
        first=round_of(known, rounds),
        pair=pair,
        **_links(persons, person, centers, pair, kind, special.pop("ordinary"), rng),
        **special,
    )


def _special(
    persons: Persons,
    person: np.ndarray,
    center: np.ndarray,
    pair: np.ndarray,
    first: np.ndarray,
    rounds: int,
    rng: np.random.Generator,
) -> dict:
    """Oppositions, lifts, information and merges: nobody has two of them, so that each can be followed by itself."""
    total = len(person)
    alone = pair < 0
    opposed, lifted = np.full(total, NEVER), np.full(total, NEVER)
    # Of two records only the first states an opposition, and only once its hospital has delivered the patient: the link must be known.
    stating = chance(rng, OPPOSED, total) & (alone | (np.arange(total) < pair))
    earliest = np.where(alone, 0, first + 1)
    when = earliest + (rng.random(total) * np.maximum(rounds - earliest, 0)).astype(np.int64)
    stating &= when < rounds
    opposed[stating] = when[stating]
    lifting = stating & chance(rng, LIFTED, total) & (when + 1 < rounds)
    after = when + 1 + (rng.random(total) * np.maximum(rounds - when - 1, 1)).astype(np.int64)
    lifted[lifting] = after[lifting]
    touched = stating | (~alone & stating[np.maximum(pair, 0)])
    merging = ~touched & alone & chance(rng, MERGED, total) & (first + 1 < rounds)
    merge = first + 1 + (rng.random(total) * np.maximum(rounds - first - 1, 1)).astype(np.int64)
    kept = np.where(chance(rng, 0.5, total), merge, first)
    informed = np.where(~touched & chance(rng, 0.02, total), rng.integers(0, rounds, size=total), NEVER)
    return {
        "scope": np.where(stating, pick(rng, SCOPES, (0.7, 0.15, 0.1, 0.05), total), ""),
        "opposed": opposed,
        "lifted": lifted,
        "still_sent": chance(rng, STILL_SENT, total),
        "informed": informed,
        "merged": np.where(merging, merge, NEVER),
        "kept_since": np.where(merging, kept, NEVER),
        "old_pseudonym": pl.select(pl.when(pl.Series(merging)).then(pseudonyms(rng, total)).otherwise(None)).to_series(),
        "ordinary": alone & ~touched & ~merging,
    }


def _links(
    persons: Persons,
    person: np.ndarray,
    center: np.ndarray,
    pair: np.ndarray,
    kind: np.ndarray,
    ordinary: np.ndarray,
    rng: np.random.Generator,
) -> dict:
    """Link tokens: most pairs carry one on both sides, some on one only; a few tokens are shared by two different people."""
    total = len(person)
    tokens = hex_text(rng.bytes(32 * total), 64).to_numpy().astype(object)
    second = np.flatnonzero((pair >= 0) & (np.arange(total) > pair))
    tokens[second] = tokens[pair[second]]
    present = chance(rng, 0.9, total)
    linked = np.zeros(total, dtype=bool)
    pair, kind, plain = pair.copy(), kind.copy(), ordinary.copy()
    both = second[present[second] & present[pair[second]]]
    linked[both] = linked[pair[both]] = True
    free = np.flatnonzero(ordinary)
    for one, other in rng.permutation(free)[: 2 * round(total * TOKEN_CONFLICT / 2)].reshape(-1, 2):
        if center[one] != center[other] and persons.birth[person[one]] != persons.birth[person[other]]:
            tokens[other] = tokens[one]
            present[one] = present[other] = True
            pair[one], pair[other] = other, one
            kind[one] = kind[other] = "conflict"
            plain[one] = plain[other] = False
    plain &= kind == ""
    token = pl.Series(where(present, tokens).tolist(), dtype=pl.String)
    return {"token": token, "linked": linked, "kind": kind, "plain": plain}


def last_news(
    own: Records, persons: Persons, rounds: int, newest_diagnosis: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """By record and round: the day of last news at the cut-off, and whether the hospital knows of the death by then.

    `newest_diagnosis` (by record and round) is that of the last tumour delivered: nobody is known to have fallen ill after his last news.
    """
    death = persons.death[own.person]
    told = death + rng.integers(5, 40, size=len(own))
    news = np.zeros((len(own), rounds), dtype=np.int64)
    dead = np.zeros((len(own), rounds), dtype=bool)
    so_far = np.zeros(len(own), dtype=np.int64)
    for round_, end in enumerate(cut_offs(rounds)):
        cut = day_number(end)
        dead[:, round_] = (told <= cut) & (death <= own.hears)
        seen = np.minimum(np.minimum(cut - rng.integers(0, 150, size=len(own)), own.hears), death - 1)
        seen = np.maximum(np.maximum(seen, newest_diagnosis[:, round_] + 30), own.start + 30)
        so_far = np.where(dead[:, round_], death, np.maximum(so_far, np.minimum(seen, death - 1)))
        news[:, round_] = so_far
    return news, dead
