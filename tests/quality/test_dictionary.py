"""The dictionary, the ODCS export and the hospitals' pages say what the declarations say, in the repository too."""

import re

import pytest

from jobs.dictionary import DOCS, committed, pages, write
from jobs.hospitals import hospitals
from quality.contract import Column, Reference, Rule, Table
from quality.contracts import contracts
from quality.dictionary import LAYERS, odcs, table_page, yaml

TABLES = [table for layer in LAYERS for table in contracts(layer).values()]


def test_the_committed_pages_are_those_that_would_be_made():
    """If this fails: python -m jobs.dictionary"""
    made = pages()
    assert committed() == sorted(made)
    assert [name for name, text in made.items() if (DOCS / name).read_text(encoding="utf-8") != text] == []


def test_a_changed_contract_changes_its_page_and_a_dropped_one_takes_it_away(tmp_path):
    everything = write(tmp_path)
    assert sorted(everything) == committed(tmp_path)
    assert write(tmp_path) == []
    page = tmp_path / "tables/silver.person.md"
    page.write_text("edited by hand")
    (tmp_path / "tables/silver.gone.md").write_text("of a table that is no more")
    assert write(tmp_path) == ["tables/silver.person.md", "tables/silver.gone.md"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.address)
def test_a_page_shows_every_column_and_every_rule(table):
    page = pages()[f"tables/{table.address}.md"]
    assert table.grain in page
    assert [column.name for column in table.columns if f"| `{column.name}` |" not in page] == []
    assert [rule.why for rule in table.rules if rule.why not in page] == []


def test_a_page_is_readable():
    table = Table(
        "silver",
        "stay",
        "One stay.",
        ("stay_id",),
        (
            Column("stay_id", "string", "The stay.", nullable=False, sensitivity="identifier"),
            Column("dose", "double", "What was given.", between=(0, None), unit="mg"),
            Column("kind", "string", "a|b", one_of=("a", "b"), sensitivity="none"),
        ),
        reads=("silver.person",),
        rules=(
            Rule(
                "ExpectColumnValuesToNotBeNull", "critical", "A stay has a kind.", (("column", "kind"),), when=(("dose", ">", 0),)
            ),
            Rule("UnexpectedRowsExpectation", "warning", "Odd.", flag="ODD", breach="dose > 5"),
        ),
        references=(Reference("stay_id", "person", "person_id"),),
    )
    assert table_page(table).splitlines()[4:] == [
        "- **A row:** One stay.",
        "- **Key:** `stay_id`",
        "- **Made from:** `silver.person`",
        "- **Left out:** people who oppose any use",
        "",
        "## Columns",
        "",
        "| column | type | empty? | meaning | allowed | tells about a person |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `stay_id` | string | never | The stay. |  | pseudonym |",
        "| `dose` | double | may be | What was given. Unit: mg. | at least 0 | not said: never leaves its zone |",
        "| `kind` | string | may be | a\\|b | `a`, `b` | nothing |",
        "",
        "## Rules",
        "",
        "| expected | a breach is | flag | why |",
        "| --- | --- | --- | --- |",
        "| kind is not empty where dose > 0 | critical |  | A stay has a kind. |",
        "| never `dose > 5` | warning | `ODD` | Odd. |",
        "",
        "## Refers to",
        "",
        "- `stay_id` → `person.person_id`",
    ]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "gold.endpoint",
            "people who oppose any use; of people who oppose the use of their samples, what `silver.specimen` would say. ",
        ),
        (
            "gold.gene_frequency",
            "people who oppose any use; of people who oppose the use of their genetics, what `silver.molecular_analysis`, "
            "`silver.variant` would say; of people who oppose the use of their samples, what `silver.molecular_analysis`, "
            "`silver.specimen`, `silver.variant` would say. ",
        ),
        ("gold.line_of_therapy", "people who oppose any use. "),
    ],
)
def test_a_page_of_gold_says_who_is_left_out_and_of_whom_only_a_part(address, said):
    (line,) = [line for line in pages()[f"tables/{address}.md"].splitlines() if line.startswith("- **Left out:**")]
    by_industry = "People who oppose the use by companies are there (`gold.patient_summary.industry_use_opposed`)"
    assert line == f"- **Left out:** {said}{by_industry}"


@pytest.mark.parametrize("layer", LAYERS)
def test_the_odcs_export_is_a_contract_of_version_3(layer):
    document = pytest.importorskip("yaml").safe_load(odcs(layer))
    assert {"version", "apiVersion", "kind", "id", "status"} <= set(document)
    assert (document["apiVersion"], document["kind"]) == ("v3.1.0", "DataContract")
    exported = {table["name"]: table for table in document["schema"]}
    for table in contracts(layer).values():
        columns = {column["name"]: column for column in exported[table.name]["properties"]}
        assert tuple(columns) == table.names
        keys = {name: column.get("primaryKeyPosition") for name, column in columns.items() if column.get("primaryKey")}
        assert tuple(sorted(keys, key=lambda name: keys[name])) == table.key
        assert all(columns[each.name]["required"] is not each.nullable for each in table.columns)
        assert len(exported[table.name].get("quality", ())) == len(table.rules)


def test_yaml_reads_back_as_what_was_written():
    document = {
        "a": [{"b": [1, "x: y"], "c": None}, {"d": {"e": True, "f": {}}}, "- z", ["p", {"q": 0}]],
        "é": 'l\n"1"',
        "n": 1.5,
    }
    expected = {"a": [{"b": [1, "x: y"]}, {"d": {"e": True}}, "- z", ["p", {"q": 0}]], "é": 'l\n"1"', "n": 1.5}
    assert pytest.importorskip("yaml").safe_load(yaml(document)) == expected


@pytest.mark.parametrize("center", hospitals())
def test_a_hospitals_page_shows_every_feed_column_and_code(center):
    hospital, page = hospitals()[center], pages()[f"hospitals/{center}.md"]
    for feed in hospital.feeds:
        section = page.split(f"\n### {feed.domain}\n")[1].split("\n### ")[0]
        assert [column.name for column in feed.columns if f"| `{column.name}` |" not in section] == []
    for codes in hospital.codes.values():
        assert [
            code for code, value in codes.items() if not re.search(rf"\| `{re.escape(code)}` \| `{re.escape(value)}` \|", page)
        ] == []


def test_every_page_named_in_a_page_exists():
    made = pages()
    for name, text in made.items():
        folder = name.rpartition("/")[0]
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert re.sub(r"[^/]+/\.\./", "", f"{folder}/{link}") in made, (name, link)
