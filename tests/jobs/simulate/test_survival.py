"""The simulated patients die as the published ones did."""

import numpy as np
import pytest

from jobs.simulate.facts import Stratum, sites, strata
from jobs.simulate.people import people
from jobs.simulate.survival import YEAR, Luck, hazards

CHUNKS, SIZE = 10, 2_000


@pytest.fixture(scope="module")
def followed() -> dict[int, np.ndarray]:
    """Days from diagnosis to death by stratum, of 20,000 patients drawn chunk by chunk."""
    luck = Luck(len(strata()), np.random.default_rng([7, 98]))
    chunks = [people(SIZE, np.random.default_rng([7, number]), luck) for number in range(CHUNKS)]
    stratum = np.concatenate([each.stratum for each in chunks])
    days = np.concatenate([each.death - each.diagnosis for each in chunks])
    return {number: days[stratum == number] for number in range(len(strata()))}


def test_survival_at_1_3_and_5_years_is_within_3_percent_of_the_source_in_every_stratum_of_100(
    followed: dict[int, np.ndarray],
) -> None:
    large = {number: days for number, days in followed.items() if len(days) >= 100}
    missed = [
        (sites()[strata()[number].site].cohort, strata()[number].stage, year)
        for number, days in large.items()
        for year, published in zip((1, 3, 5), strata()[number].survival, strict=True)
        if abs((days > year * YEAR).mean() - published) > 0.03
    ]
    assert len(large) > 40
    assert missed == []


def test_hazards_lead_through_the_published_points() -> None:
    rates = hazards(Stratum(0, "II", 1.0, (0.9, 0.7, 0.6)))
    assert np.exp(-rates[0] * YEAR) == pytest.approx(0.9)
    assert np.exp(-(rates[0] + 2 * rates[1]) * YEAR) == pytest.approx(0.7)
    assert np.exp(-(rates[0] + 2 * rates[1] + 2 * rates[2]) * YEAR) == pytest.approx(0.6)


def test_every_stratum_has_a_source_and_the_shares_of_a_site_add_up() -> None:
    for position in range(len(sites())):
        assert sum(each.share for each in strata() if each.site == position) == pytest.approx(1.0)


def test_women_have_no_prostate_and_men_no_ovary(followed: dict[int, np.ndarray]) -> None:
    persons = people(5_000, np.random.default_rng(1), Luck(len(strata()), np.random.default_rng(2)))
    cohort = np.array([each.cohort for each in sites()])[persons.site]
    assert not persons.woman[cohort == "PRAD"].any()
    assert persons.woman[cohort == "OV"].all()
