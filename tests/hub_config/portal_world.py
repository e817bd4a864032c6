"""A small academy for the portal's tests: two courses, a release, a class and its attempts, and a real hub in front of it."""

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, Field, Schema, write_deltalake
from deltalake.schema import PrimitiveType

from courses.checking.service import Checking
from hub_config.portal.settings import Settings
from hub_config.roster import Roster
from tests.hub_config.hub_client import Visitor

PROJECT = Path(__file__).parents[2]
PASSWORD = "only-for-these-tests"
TRAINEES = ("amina", "benoit", "chiara", "david", "elise", "farid", "gaelle", "hugo", "ines", "jules", "karim", "lea")
LESSONS = {
    "survival": {
        "first-curves": ("at-risk", "median", "curve"),
        "comparing-groups": ("log-rank", "hazard-ratio", "forest"),
        "immortal-time": ("naive", "landmark", "what-went-wrong"),
        "delayed-entry": ("risk-set", "left-truncated", "bias"),
    },
    "privacy-lab": {
        "pseudonyms": ("dictionary", "salted"),
        "small-groups": ("classes", "k-of-a-table", "l-diversity"),
        "attack": ("singling-out", "linkage"),
        "resist": ("two-events", "gate"),
    },
}
ABOUT = {
    "survival": (
        "Survival in real-world oncology",
        "Survie en vie réelle en oncologie",
        "Kaplan-Meier and Cox on hospital data, and the traps that make a treatment look better than it is.",
        "Kaplan-Meier et Cox sur données hospitalières, et les pièges qui embellissent un traitement.",
        "intermediate",
        110,
    ),
    "privacy-lab": (
        "Privacy lab",
        "Laboratoire de confidentialité",
        "Attack a release, see which groups give somebody away, and watch it resist.",
        "Attaquez une version, voyez quels groupes trahissent quelqu’un, puis voyez-la résister.",
        "beginner",
        90,
    ),
}
TITLES = {
    "first-curves": "First curves",
    "comparing-groups": "Comparing groups",
    "immortal-time": "Immortal time",
    "delayed-entry": "Delayed entry",
    "pseudonyms": "A pseudonym is not anonymity",
    "small-groups": "Small groups",
    "attack": "Attack a release",
    "resist": "A release that resists",
}
FRENCH = {
    "first-curves": "Premières courbes",
    "comparing-groups": "Comparer des groupes",
    "immortal-time": "Le temps immortel",
    "delayed-entry": "L’entrée retardée",
}
CHECKS = """
from courses.checking.exercise import Exercise, Wrong

HINTS = ({"en": "Count the rows.", "fr": "Comptez les lignes."}, {"en": "Of your cohort only.", "fr": "De votre cohorte seulement."})
EXERCISES = {
    name: Exercise(
        expected=lambda release, seed: release.cohort(seed)["tumor_no"].sum(),
        kind="number",
        hints=HINTS,
        wrong=(Wrong(lambda release, seed, given: given == 0, {"en": "Zero is no count.", "fr": "Zéro n’est pas un compte."}),),
        required=not name.endswith("forest"),
    )
    for name in NAMES
}
"""
COLUMNS = {
    "edu_patient": (
        "A patient of this release.",
        {
            "patient_no": ("integer", "Number of the patient in this release only; no key leads back."),
            "sex": ("string", "M or F."),
            "age_band": ("string", "Age at diagnosis, in bands."),
            "region": ("string", "Where the patient lives: a French region, a group of regions, or abroad."),
            "outcome": ("string", "What became of the patient."),
        },
    ),
    "edu_survival": (
        "Overall survival of a tumour, with delayed entry.",
        {
            "tumor_no": ("integer", "Number of the tumour in this release only."),
            "days": ("integer", "Days from diagnosis to death or last news, in bins; the middle of the bin."),
            "event": ("boolean", "Whether the patient died."),
            "entry_days": ("integer", "Day from which the patient was under observation; empty where nothing was sequenced."),
        },
    ),
    "edu_tumor": (
        "The first tumour of a patient.",
        {
            "tumor_no": ("integer", "Number of the tumour in this release only."),
            "patient_no": ("integer", "Its patient."),
            "tumor_group": ("string", "Group of the primary site."),
            "stage": ("string", "Stage at diagnosis."),
        },
    ),
}
CARD = """# Teaching release r1

Simulated patients, anonymised.

## Method

Global recoding, then every pair of facts shared by at least 11 people.

| risk | bound |
|---|---|
| singling out | 0.02 |

<script>alert("a card is text")</script>
"""


def make(folder: Path, signing_in: tuple[str, ...] = ()) -> Path:
    """The whole academy below a folder; those who will sign in have a password."""
    for slug in LESSONS:
        _course(folder / "courses" / slug)
    _release(folder / "lake" / "teaching" / "r1")
    _people(folder, signing_in)
    return folder


def _course(path: Path) -> None:
    path.mkdir(parents=True)
    title, titre, summary, resume, level, minutes = ABOUT[path.name]
    (path / "course.toml").write_text(
        f'slug = "{path.name}"\nlevel = "{level}"\nminutes = {minutes}\nbadge = "{title}"\ntables = ["edu_patient", "edu_survival"]\n'
        'objectives = ["Say what a risk set is.", "Recognise a comparison that cannot be fair."]\nprerequisites = ["privacy-lab"]\n'
        f'[title]\nen = "{title}"\nfr = "{titre}"\n[summary]\nen = "{summary}"\nfr = "{resume}"\n',
        encoding="utf-8",
    )
    for number, (lesson, exercises) in enumerate(LESSONS[path.name].items(), start=1):
        french = f"*En français : {FRENCH[lesson]}*\n\n" if lesson in FRENCH else ""
        cells = "".join(f"```{{code-cell}} ipython3\n# exercise: {name}\n```\n\n" for name in exercises)
        (path / f"{number:02}-{lesson}.md").write_text(
            f"---\nkernelspec: {{name: python3}}\n---\n\n# {TITLES[lesson]}\n\n{french}{cells}"
        )
    names = [f"{lesson}.{name}" for lesson, exercises in LESSONS[path.name].items() for name in exercises]
    (path / "checks.py").write_text(f"NAMES = {names}\n{CHECKS}", encoding="utf-8")


def _release(path: Path) -> None:
    kinds = {"integer": pa.int32(), "string": pa.string(), "boolean": pa.bool_()}
    values = {
        "integer": lambda row: row + 1,
        "string": lambda row: "IV" if row % 3 else "II",
        "boolean": lambda row: row % 2 == 0,
    }
    for name, (meaning, columns) in COLUMNS.items():
        fields = [Field(column, PrimitiveType(kind), True, {"comment": comment}) for column, (kind, comment) in columns.items()]
        DeltaTable.create(str(path / name), Schema(fields), description=meaning)
        rows = {
            column: pa.array([values[kind](row) for row in range(1200)], kinds[kind]) for column, (kind, _) in columns.items()
        }
        write_deltalake(str(path / name), pa.table(rows), mode="append")
    (path / "card.md").write_text(CARD)
    (path / "card.json").write_text(json.dumps({"release": "r1", "patients": 1200, "k": 11, "l": 3}))
    (path / "gate.json").write_text(json.dumps(GATE))


GATE = {
    "figures": [
        {
            "name": "smallest class",
            "value": 11,
            "bound": "at least 11",
            "kept": True,
            "advice": "lower --k, or take a larger --size",
        },
        {"name": "singling out, one attribute", "value": 0.0019, "bound": "0.02", "kept": True, "advice": "2,000 attacks."},
        {
            "name": "inference of grade from quasi-identifiers",
            "value": 0.075,
            "bound": "0.05",
            "kept": True,
            "advice": "Above the bound by what others guess, but not for sure. Each left out in turn: 0.0100.",
        },
        {
            "name": "positive control: singling out in the raw copy",
            "value": 0.97,
            "bound": "0.9",
            "kept": True,
            "advice": "The same attacks on the raw copy.",
        },
        {
            "name": "loss of AUC",
            "value": 0.031,
            "bound": "0.02",
            "kept": False,
            "advice": "A coarser age costs less.",
            "decides": False,
        },
    ]
}


def _people(folder: Path, signing_in: tuple[str, ...]) -> None:
    roster = Roster(folder / "state" / "roster.toml")
    codes = {"marie": roster.add("marie", "instructor", ("autumn",)), "zoe": roster.add("zoe", "trainee", ("spring",))}
    codes |= {name: roster.add(name, "trainee", ("autumn",)) for name in TRAINEES}
    for name in signing_in:
        roster.redeem(codes[name], PASSWORD)


def settings(folder: Path) -> Settings:
    return Settings(folder / "lake" / "teaching" / "r1", folder / "courses", folder / "state")


def checking(folder: Path) -> Checking:
    return Checking(folder / "courses", folder / "lake" / "teaching" / "r1", folder / "state")


def right(found: Checking, user: str) -> int:
    """The right answer to every exercise of these courses, for this trainee."""
    return int(found.release.cohort(found.seed(user))["tumor_no"].sum())


def work(folder: Path) -> None:
    """A few weeks of a class: amina has finished a course, others are on their way, some are stuck."""
    draw, found = random.Random(5), checking(folder)
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    for place, user in enumerate(TRAINEES):
        exercises = [f"survival.{lesson}.{name}" for lesson, names in LESSONS["survival"].items() for name in names]
        for step, exercise in enumerate(exercises[: 12 if place == 0 else draw.randint(0, 12)]):
            moment = start + timedelta(days=step, minutes=place)
            wrong_ones = draw.choice((0, 0, 0, 1, 2, 3, 4))
            for wrong in range(wrong_ones):
                found.check(user, exercise, wrong, now=moment + timedelta(minutes=wrong))
            if place == 0 or draw.random() < (0.5 if wrong_ones > 2 else 0.9):
                found.check(user, exercise, right(found, user), now=moment + timedelta(minutes=9))
    found.close()


@dataclass(frozen=True)
class Hub:
    """A hub that runs."""

    url: str
    folder: Path

    @property
    def portal(self) -> str:
        return f"{self.url}/services/academy/"

    def visitor(self, name: str, language: str = "en") -> Visitor:
        """Somebody who is signed in."""
        found = Visitor(self.url, language)
        assert found.log_in(name, PASSWORD).status_code == 302
        return found

    def token(self, name: str) -> str:
        """A token with the scopes of a trainee's own server."""
        asked = {"scopes": ["access:services!service=academy"], "expires_in": 600}
        return str(self.visitor(name).api("POST", f"/users/{name}/tokens", json=asked).json()["token"])


STRANGER = "a-token-of-somebody-who-may-not-enter"


@contextmanager
def hub(folder: Path, **environment: str) -> Iterator[Hub]:
    """A real hub with the portal as its service; everybody's password is PASSWORD."""
    ports = _free_ports(4)
    run = folder / "run"
    run.mkdir(exist_ok=True)
    env = os.environ | {
        "PYTHONPATH": str(PROJECT),
        "PORTAL_FOLDER": str(folder),
        "PORTAL_PORTS": ",".join(map(str, ports)),
        "PORTAL_STRANGER": STRANGER,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1,localhost",
        **environment,
    }
    config = Path(__file__).with_name("portal_hub.py")
    with (run / "hub.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)], cwd=run, env=env, stdout=log, stderr=subprocess.STDOUT
        )
        found = Hub(f"http://127.0.0.1:{ports[0]}", folder)
        try:
            _wait(started, f"{found.portal}api/health", run / "hub.log")
            yield found
        finally:
            started.terminate()
            started.wait(30)


def _wait(started: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except OSError:
            if started.poll() is not None:
                break
            time.sleep(0.2)
    raise AssertionError(f"The hub did not start:\n{log.read_text()[-4000:]}")


def _free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports
