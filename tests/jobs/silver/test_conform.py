"""Conforming: what a hospital sends, beside what silver makes of it."""

import hashlib

import pytest

from jobs.hospitals import hospitals
from jobs.silver.conform import (
    Code,
    Conform,
    Conformed,
    after_first_word,
    behaviour_of,
    date_from_parts,
    derived_id,
    dotted,
    edition,
    first_word,
    measured,
    number,
    operator,
    precision_of_parts,
    row_id_of,
    strip_system,
    tnm,
    tnm_prefix,
    ucd13,
    with_root,
)
from quality.contracts import contracts
from quality.value_sets import VALUE_SETS
from tests.tables import rows, table

PROVENANCE = "'k' AS source_key", "'d' AS delivery_id", "'f' AS source_file", "1 AS source_row_no", "now() AS valid_from"


def becomes(spark, expression, text):
    """The rows of `text` (sent, expected) in which `expression` over `sent` gives something else."""
    return rows(table(spark, text).selectExpr("sent", "expected", f"{expression} AS found").where("NOT found <=> expected"), "*")


def test_an_icd10_code_has_its_dot(spark):
    assert not becomes(spark, dotted("sent"), """
        sent   | expected
        C509   | C50.9
        C50.9  | C50.9
        C50    | C50
        Z5101  | Z51.01
               |
    """)  # fmt: skip


def test_a_ucd_code_of_seven_digits_gets_prefix_and_check_digit(spark):
    assert not becomes(spark, ucd13("sent"), """
        sent          | expected
        9206536       | 3400892065366
        3400892065366 | 3400892065366
                      |
    """)  # fmt: skip


def test_t_n_and_m_lose_the_letters_in_front_and_nothing_else(spark):
    assert not becomes(spark, tnm("sent"), """
        sent    | expected
        pT3     | T3
        ypT2a   | T2a
        Tx      | TX
        cNx     | NX
        N0 (i-) | N0 (i-)
        N1mi    | N1mi
        MX      | MX
                |
    """)  # fmt: skip


def test_the_classification_is_the_first_letter_in_front(spark):
    assert not becomes(spark, tnm_prefix("sent"), """
        sent  | expected
        pT3   | p
        ypT2a | y
        T3    |
    """)  # fmt: skip


def test_of_an_edition_the_number_remains(spark):
    assert not becomes(spark, edition("sent"), """
        sent                                | expected
        UICC TNM Classification 7th edition | 7
        1988                                | 1988
        7                                   | 7
        unknown                             |
    """)  # fmt: skip


def test_the_system_in_front_of_a_code_is_cut_off(spark):
    assert not becomes(spark, strip_system("sent"), """
        sent          | expected
        ICDO3:C50.9   | C50.9
        ATC:L01CD01   | L01CD01
        8500/3        | 8500/3
        I/II          | I/II
    """)  # fmt: skip


def test_the_behaviour_stands_after_the_stroke(spark):
    assert not becomes(spark, behaviour_of("sent"), """
        sent   | expected
        8500/3 | 3
        8500   |
    """)  # fmt: skip


def test_only_a_whole_number_is_a_number(spark):
    assert not becomes(spark, number("sent"), """
        sent    | expected:double
        12,5    | 12.5
        12.5    | 12.5
        1 200,5 | 1200.5
        -3      | -3
        2+      |
        90-99%  |
        <10%    |
        NORMAL  |
        1 2     |
                |
    """)  # fmt: skip


def test_a_laboratory_result_is_a_sign_and_a_number(spark):
    signs = """
        sent   | expected
        <0,1   | <
        >= 10  | >=
        5      |
        <abc   |
    """
    numbers = """
        sent   | expected:double
        <0,1   | 0.1
        >= 10  | 10
        5      | 5
        <abc   |
    """
    assert not becomes(spark, operator("sent"), signs)
    assert not becomes(spark, measured("sent"), numbers)


def test_a_result_is_the_first_word_and_its_value_the_rest(spark):
    assert not becomes(spark, f"concat_ws(';', {first_word('sent')}, {after_first_word('sent')})", """
        sent         | expected
        NEG (1.3)    | NEG;1.3
        NEG 1.3      | NEG;1.3
        POS          | POS
        POS (90-99%) | POS;90-99%
    """)  # fmt: skip


def test_a_date_of_three_numbers_is_as_precise_as_they_are(spark):
    sent = table(spark, """
        year:int | month:int | day:int
        2019     | 5         | 3
        2019     | 5         |
        2019     |           |
        2019     | 2         | 30
                 | 5         | 3
    """)  # fmt: skip
    found = sent.selectExpr(
        f"{date_from_parts('year', 'month', 'day')} AS date", f"{precision_of_parts('month', 'day')} AS precision"
    )
    assert rows(found.where("date IS NOT NULL"), "date", "precision") == [
        ("2019-05-03", "day"),
        ("2019-05-15", "month"),
        ("2019-07-01", "year"),
    ]
    assert found.where("date IS NULL").count() == 2


def test_a_row_id_is_the_hash_of_center_domain_and_key(spark):
    keys = table(spark, """
        key
        1
        (null)
    """).selectExpr("nullif(key, '(null)') AS key")  # fmt: skip
    found = keys.selectExpr(f"{row_id_of('gr', 'tumour', 'key')} AS id", f"{derived_id('gr', 'stay', '2', 'key')} AS derived")
    first, derived = (hashlib.sha256(text.encode()).hexdigest()[:32] for text in ("gr:tumour:1", "gr:stay:1:2"))
    assert rows(found, "id", "derived") == [(None, None), (first, derived)]


def test_the_root_of_a_sample_is_the_head_of_its_chain(spark):
    samples = table(spark, """
        specimen_id | parent_id | person_id
        block       |           | p1
        slide       | block     | p1
        dna         | slide     | p1
        blood       |           | p1
        block       |           | p2
    """)  # fmt: skip
    assert rows(with_root(samples), "person_id", "specimen_id", "root_id") == [
        ("p1", "block", "block"),
        ("p1", "blood", "blood"),
        ("p1", "dna", "block"),
        ("p1", "slide", "block"),
        ("p2", "block", "block"),
    ]


def laterality(spark, text, source="LATERALITE", center="gr"):
    sent = table(spark, text).selectExpr(
        "LATERALITE", "struct(sent AS LATERALITE) AS sent", "array('OLD') AS dq_flags", *PROVENANCE
    )
    return sent.selectExpr(*Conform(hospitals()[center]).columns("primary_cancer", tumor_id="'t'", laterality=source))


def test_a_code_becomes_a_value_and_keeps_what_was_sent(spark):
    found = laterality(spark, """
        LATERALITE | sent
        D          | D
        NA         | NA
        X          | X
                   | NSP
                   |
                   | bad
    """)  # fmt: skip
    assert rows(
        found, "laterality_source_value", "laterality", "laterality_null_reason", "laterality_code", "laterality_system"
    ) == [
        (None, None, "not_collected", None, None),
        ("D", "right", None, "24028007", "SNOMED CT"),
        ("NA", "not_applicable", None, "385432009", "SNOMED CT"),
        ("NSP", None, "unknown", None, None),
        ("X", None, None, "X", "gr"),
        ("bad", None, None, None, None),
    ]
    odd = found.where("size(dq_flags) > 1")
    assert rows(odd, "laterality_source_value", "dq_flags") == [("X", ["OLD", "CODE_UNKNOWN:laterality"])]


def test_a_code_with_a_system_in_front_keeps_that_system(spark):
    found = laterality(spark, """
        LATERALITE    | sent
        UMLS:C9999999 | UMLS:C9999999
    """, center="curie")  # fmt: skip
    assert rows(found, "laterality", "laterality_code", "laterality_system") == [(None, "C9999999", "UMLS")]


def test_a_column_without_source_was_not_collected(spark):
    found = laterality(spark, """
        LATERALITE | sent
        D          | D
    """, source=Conformed("'left'"))  # fmt: skip
    assert rows(found, "laterality", "laterality_source_value", "laterality_null_reason", "laterality_code") == [
        ("left", None, None, "7771000")
    ]
    assert rows(found, "dx_basis", "dx_basis_null_reason", "dx_date", "dx_date_precision") == [
        (None, "not_collected", None, None)
    ]


def test_a_value_can_stand_for_a_missing_code(spark):
    found = laterality(spark, """
        LATERALITE | sent
                   | NSP
    """, source=Code("LATERALITE", "sent.LATERALITE", otherwise="not_applicable"))  # fmt: skip
    assert rows(found, "laterality", "laterality_null_reason") == [("not_applicable", "unknown")]


def test_a_date_is_precise_to_the_day_unless_told_otherwise(spark):
    sent = table(spark, """
        DATE_DIAG:date | precision
        2020-05-15     | month
        2020-05-03     | day
                       |
    """).selectExpr("*", "cast(array() AS array<string>) AS dq_flags", *PROVENANCE)  # fmt: skip
    conform = Conform(hospitals()["gr"])
    found = sent.selectExpr(*conform.columns("primary_cancer", dx_date="DATE_DIAG", dx_date_precision="precision"))
    assert rows(found, "dx_date", "dx_date_precision", "dq_flags") == [
        (None, None, []),
        ("2020-05-03", "day", []),
        ("2020-05-15", "month", ["DATE_PARTIAL:dx_date"]),
    ]
    found = sent.selectExpr(*conform.columns("primary_cancer", dx_date="DATE_DIAG"))
    assert rows(found, "dx_date_precision", "dq_flags") == [(None, []), ("day", []), ("day", [])]


def test_a_date_that_could_not_be_read_is_no_partial_date(spark):
    sent = table(spark, """
        DATE_DIAG:date | precision
                       | month
                       | year
    """).selectExpr("*", "cast(array() AS array<string>) AS dq_flags", *PROVENANCE)  # fmt: skip
    found = sent.selectExpr(
        *Conform(hospitals()["gr"]).columns("primary_cancer", dx_date="DATE_DIAG", dx_date_precision="precision")
    )
    assert rows(found, "dx_date", "dx_date_precision", "dq_flags") == [(None, None, []), (None, None, [])]


def test_a_source_for_a_column_that_silver_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"expected columns of silver\.person, found sexe"):
        Conform(hospitals()["gr"]).columns("person", sexe="SEXE")


@pytest.mark.parametrize("hospital", hospitals().values(), ids=list(hospitals()))
def test_every_declared_code_becomes_a_value_of_its_value_set(hospital):
    declared = [(column, value) for column, codes in hospital.codes.items() for value in codes.values()]
    assert declared
    assert [(column, value) for column, value in declared if value not in VALUE_SETS[column]] == []


@pytest.mark.parametrize("name", [name for name, silver in contracts("silver").items() if "dq_flags" in silver.names])
def test_the_sql_of_a_table_has_its_columns_and_no_other(spark, name):
    columns = Conform(hospitals()["gr"]).columns(name)
    frame = spark.range(1).selectExpr("cast(array() AS array<string>) AS dq_flags", *PROVENANCE).selectExpr(*columns)
    engine = {"center", "row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id"}
    assert frame.columns == [column for column in contracts("silver")[name].names if column not in engine]
