"""How each hospital writes values in its text files, and the typing errors it is known for: what landing needs besides the feeds."""

from dataclasses import replace
from functools import cache
from typing import Any

from jobs.hospitals import hospitals
from jobs.hospitals.feed import Feed, Hospital

HABITS: dict[str, dict[str, Any]] = {
    "gr": {
        "date_format": "%d/%m/%Y",
        "decimal_comma": True,
        "true_values": ("O",),
        "false_values": ("N",),
        # C50,9 for C50.9
        "repairs": ((r"^([A-Z][0-9]{2}),([0-9]{1,2})$", "${1}.${2}"),),
    },
    "curie": {
        "repairs": (("^ULMS:", "UMLS:"),),
        "month_dates": ("Patient_DeathDate", "Patient_LastNewsDate"),
    },
    "aphp": {
        # CIM-10 with a dot, where the feed has none.
        "repairs": ((r"^([A-Z][0-9]{2})[.]([0-9A-Z+]+)$", "${1}${2}"),),
        "always": ("patient", "identity_merge"),
        "unknown_death": "2999-12-31",
    },
}
VALIDATED = {
    ("gr", "lab"): "STATUT = VALIDE",
    ("aphp", "measurement"): "row_status_source_value = Validé when measurement_type_source_value = BIOLOGIE",
}


def with_habits(hospital: Hospital) -> Hospital:
    """The hospital as landing reads it; one without habits of its own is returned as it is."""
    return _known(hospital.center) if hospitals().get(hospital.center) is hospital else hospital


@cache
def _known(center: str) -> Hospital:
    hospital = hospitals()[center]
    feeds = tuple(_with_validation(center, feed) for feed in hospital.feeds)
    return replace(hospital, feeds=feeds, **HABITS.get(center, {}))


def _with_validation(center: str, feed: Feed) -> Feed:
    rule = VALIDATED.get((center, feed.domain))
    return replace(feed, validated=rule) if rule else feed
