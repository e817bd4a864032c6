"""True rows told in the words of a release."""

import polars as pl

from jobs.releases.words import Words


def test_where_a_sex_is_rare_in_a_tumour_group_its_truth_is_told_as_other_too():
    true = pl.DataFrame({"sex": ["F"] * 30 + ["M"] * 2, "tumor_group": ["breast"] * 32})
    view = true.with_columns(tumor_group=pl.Series(["breast"] * 30 + ["other"] * 2))
    assert Words.of(true, view).tell(true).equals(view)


def test_a_group_without_a_name_is_told_as_it_was():
    true = pl.DataFrame({"sex": ["F", "M", "F"], "tumor_group": ["breast", None, "lung"]})
    view = true.with_columns(tumor_group=pl.Series(["breast", "unknown", "lung"]))
    assert Words.of(true, view).tell(true).equals(view)
