"""The recipe 'Add a hospital' of CONTRIBUTING.md: the module that stands there is registered, lands a delivery and has its page."""

import re
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

import jobs.hospitals
from jobs.dictionary import pages
from jobs.hospitals import fed_as_named, hospitals, transforms
from jobs.hospitals.feed import Hospital
from jobs.ingest import ingest
from jobs.lake import Lake
from jobs.landing.signature import load_keys
from jobs.landing.validate import validate
from jobs.settings import Settings
from quality.contracts import contracts
from tests.jobs.hospitals.delivered import Delivered
from tests.jobs.landing.sending import A, B, deliver, equip
from tests.jobs.test_ingest_samples import NoEngine
from tests.tables import rows

CONTRIBUTING = Path(__file__).parents[3] / "CONTRIBUTING.md"
ENGINE = {"center", "row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id"}
FILES = {
    "rights": f"PATIENT;INFORME;OPPOSE;PORTEE;OPPOSE_LE\n{B};O;O;all;01/02/2023\n",
    "patient": f"""PATIENT;SEXE;NE_LE;VU_LE;MODIFIE;SUPPRIME
{A};2;15/05/1950;01/02/2023;01/02/2023;N
{B};1;15/05/1951;01/02/2023;01/02/2023;N
""",
    "tumour": f"""TUMEUR;PATIENT;DIAG_LE;CIM10;COTE;MODIFIE;SUPPRIME
T1;{A};03/2022;C50,9;G;01/02/2023;N
T2;{A};03/2022;sein;G;01/02/2023;N
T3;{B};03/2022;C61;NR;01/02/2023;N
""",
}
Register = Callable[[str, str], None]


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """Makes a module (name, text) one of jobs/hospitals until the test ends."""
    folder, added = tmp_path / "hospitals", []
    folder.mkdir()
    monkeypatch.setattr(jobs.hospitals, "__path__", [*jobs.hospitals.__path__, str(folder)])

    def add(name: str, text: str) -> None:
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        added.append(name)
        _look_again()

    yield add
    for name in added:
        sys.modules.pop(f"jobs.hospitals.{name}", None)
        vars(jobs.hospitals).pop(name, None)
    _look_again()


def _look_again() -> None:
    hospitals.cache_clear()
    transforms.cache_clear()


def recipe() -> str:
    """The module of the recipe, as it stands in CONTRIBUTING.md."""
    section = CONTRIBUTING.read_text(encoding="utf-8").split("\n## Add a hospital\n")[1].split("\n## ")[0]
    [module] = re.findall(r"^```python\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    return str(module)


@pytest.fixture
def lac(register: Register) -> Hospital:
    register("lac", recipe())
    return hospitals()["lac"]


def test_one_module_is_a_hospital_with_its_tables_and_its_page(lac: Hospital) -> None:
    assert lac.name == "Clinique du Lac"
    assert set(transforms("lac")) == {"person", "primary_cancer"}
    page = pages()["hospitals/lac.md"]
    assert "dates `dd/mm/yyyy`, decimal point, yes `O`, no `N`" in page
    assert "| `COTE` | code |  |  | `D`, `G`, `B` |  |" in page
    assert "- **Format in manifests:** `lac-csv`, version 1.0" in page
    assert "| `OPPOSE` | yes or no | yes |  |  | whether the patient objects |" in page


@pytest.mark.parametrize("center", ["lac", "chu2", "saintvincentdepaul"])
def test_its_delivery_is_valid_and_lands_in_bronze(register: Register, center: str, tmp_path: Path) -> None:
    register(center, recipe().replace('center="lac"', f'center="{center}"'))
    folder = deliver(tmp_path / "landing", hospitals()[center], date(2023, 3, 1), FILES)
    register_of_keys, platform_key = equip(tmp_path, center)
    keys, settings = load_keys(register_of_keys), Settings(lake=str(tmp_path / "lake"), platform_key_file=platform_key)
    assert validate(folder, keys).reason_codes == []
    [report] = ingest(settings, tmp_path / "landing", keys, NoEngine())
    assert (report.outcome, report.rows_set_aside, report.rows_dropped_opposed) == ("accepted", {"CODE_INVALID": 1}, 2)
    assert report.warnings == ["CODE_REPAIRED"]
    landed = Lake(settings.lake).frame("bronze", f"{center}_tumour", ["_source_key", "CIM10", "_read", "_reason"])
    assert [(row["_source_key"], row["CIM10"], row["_read"]["CIM10"], row["_reason"]) for row in landed.to_dicts()] == [
        ("T1", "C50,9", "C50.9", None),
        ("T2", "sein", None, "CODE_INVALID"),
    ]


def test_its_tables_are_those_of_the_contracts(lac: Hospital, spark: object) -> None:
    feeds = Delivered(
        spark,
        lac,
        tumour="""
        TUMEUR | DIAG_LE    | DIAG_LE_precision | CIM10 | COTE
        t1     | 2022-03-15 | month             | C50.9 | G
    """,
    )
    found = {name: fill(feeds) for name, fill in transforms("lac").items()}
    for name, frame in found.items():
        assert frame.columns == [column for column in contracts("silver")[name].names if column not in ENGINE]
    shown = rows(found["primary_cancer"], "source_key", "dx_date", "dx_date_precision", "icd10", "laterality")
    assert shown == [("t1", "2022-03-15", "month", "C50.9", "left")]


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("lake", ("", ""), "expected HOSPITAL = Hospital(center='lake', …) in jobs/hospitals/lake, found the center 'lac'"),
        ("lac", ("HOSPITAL", "CLINIC"), "expected HOSPITAL = Hospital(center='lac', …) in jobs/hospitals/lac, found none"),
        ("lac", ('center="lac"', 'center="Lac"'), "hospital Lac: expected a center of 2 to 20 lower-case letters and digits, found Lac"),
        ("lac", ('center="lac"', f'center="l{"a" * 20}"'), f"expected a center of 2 to 20 lower-case letters and digits, found l{'a' * 20}"),
        ("lac", ('Feed("rights"', 'Feed("right"'), "hospital lac: expected the feeds rights and patient, found none of rights"),
        ("lac", (">patient!", ">person!"), "hospital lac: expected references (>) to feeds of its own, found person"),
        ("lac", ('.csv", PATIENT,', '.csv", PATIENT, member=True,'), "hospital lac: expected an archive for feeds that are members, found none for patient"),
        ("lac", ("def person", "def patients"), "expected functions of jobs/hospitals/lac to be named after silver tables, found patients"),
        ("lac", ("def person", "def specimen(feeds):\n    return feeds['tumour']\n\n\ndef person"), "expected specimen of jobs/hospitals/lac to be made from the feed sample, found none of that name among those it is made from"),
        ("lac", ("def primary_cancer", "def _primary_cancer"), "expected functions person and primary_cancer in jobs/hospitals/lac, found no primary_cancer"),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_work_is_refused_with_what_is_wrong(
    register: Register, name: str, change: tuple[str, str], sentence: str
) -> None:
    register(name, recipe().replace(*change) if change[0] else recipe())
    with pytest.raises(ValueError, match=re.escape(sentence)):
        transforms(hospitals()[name].center)


@pytest.mark.parametrize(("table", "feed"), [("specimen", "sample"), ("molecular_analysis", "analysis"), ("variant", "variant")])
def test_a_pass_refuses_rows_that_an_opposition_would_not_have_taken_away(table: str, feed: str) -> None:
    fed_as_named("lac", table, {"patient", feed})
    with pytest.raises(ValueError, match=f"expected {table} of jobs/hospitals/lac to be made from the feed {feed}"):
        fed_as_named("lac", table, {"patient", "biomarker"})
