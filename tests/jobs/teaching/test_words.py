"""True rows told in the words of a release."""

import polars as pl

from jobs.privacy.attacks.view import joined
from jobs.releases.words import Words, truth


def test_where_a_sex_is_rare_in_a_tumour_group_its_truth_is_told_as_other_too():
    true = pl.DataFrame({"sex": ["F"] * 30 + ["M"] * 2, "tumor_group": ["breast"] * 32})
    view = true.with_columns(tumor_group=pl.Series(["breast"] * 30 + ["other"] * 2))
    assert Words.of(true, view).tell(true).equals(view)


def test_a_group_without_a_name_is_told_as_it_was():
    true = pl.DataFrame({"sex": ["F", "M", "F"], "tumor_group": ["breast", None, "lung"]})
    view = true.with_columns(tumor_group=pl.Series(["breast", "unknown", "lung"]))
    assert Words.of(true, view).tell(true).equals(view)


def test_the_facts_of_all_tables_stand_in_one_row_and_their_days_are_told_in_the_same_bins():
    quasi = {"sex": ["F", "M"], "tumor_group": ["lung", "lung"]}
    raw = {
        "edu_patient": pl.DataFrame({"patient_id": ["a", "b"], **quasi}),
        "edu_tumor": pl.DataFrame({"patient_id": ["a", "b"], "panel": ["P", None]}),
        "edu_survival": pl.DataFrame({"patient_id": ["a", "b"], "endpoint": "OS", "days": [40, 90], "event": [True, False]}),
        "edu_event": pl.DataFrame({"patient_id": ["b", "b", "a"], "kind": ["surgery", "relapse", "surgery"], "day": [36, 80, 5]}),
        "edu_variant": pl.DataFrame({"patient_id": ["a"], "gene": ["TP53"], "effect": ["truncating"]}),
    }
    written = {
        "edu_patient": pl.DataFrame({"patient_no": [2, 1], **quasi}),
        "edu_tumor": pl.DataFrame({"patient_no": [1, 2], "panel": [None, "P"]}),
        "edu_survival": pl.DataFrame({"patient_no": [1, 2], "days": [107, 46], "event": [False, True]}),
        "edu_event": pl.DataFrame({"patient_no": [1, 2], "kind": ["surgery", "surgery"], "day": [46, 15]}),
        "edu_variant": pl.DataFrame({"patient_no": [2], "gene": ["TP53"], "effect": ["other"]}),
    }
    view = joined(written)
    assert view.select("edu_event surgery day", "edu_variant TP53 effect").rows() == [(46, None), (15, "other")]
    true = (
        truth(raw, view).join(pl.DataFrame({"patient_id": ["a", "b"], "patient_no": [2, 1]}), on="patient_id").sort("patient_no")
    )
    assert "edu_event relapse day" not in true.columns
    known = Words.of(true, view)
    assert known.tell(true).select(view.columns).equals(view)
    other = true.head(1).with_columns(pl.lit(33).alias("edu_event surgery day"))
    assert known.tell(other)["edu_event surgery day"].to_list() == [46]
    assert known.tell(other.drop("edu_variant TP53 effect"))["edu_variant TP53 effect"].to_list() == [None]
