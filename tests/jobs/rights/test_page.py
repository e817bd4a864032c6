"""The register's page: what is late comes first, what each request became, and nothing that runs or is loaded from elsewhere."""

import json
import re
from datetime import date

import pytest

from jobs.rights.page import page
from jobs.rights.register import Request, one_month_after

TODAY = date(2026, 3, 10)
FOUND = {"silver": {"files": 3, "bytes": 10, "hits": 1_234}, "gold": {"files": 1, "bytes": 5, "hits": 2}}
ERASED = json.dumps({"before": FOUND, "after": {zone: found | {"hits": 0} for zone, found in FOUND.items()}, "releases": {}})


def request(name: str, state: str, due: str, **more: str) -> Request:
    told = {"kind": "erase", "scope": "all", "reason": "letter"} | more
    return Request(name, told["kind"], "gr", told["scope"], "A. Officer", told["reason"], "2026-02-01", due, state, 1, **{
        field: told[field] for field in ("done_at", "outcome", "certificate") if field in told
    })  # fmt: skip


LATE = request("RIGHTS-1", "received", "2026-03-01")
WAITING = request("RIGHTS-2", "received", "2026-03-20", reason="<script>alert(1)</script>")
DONE = request(
    "RIGHTS-3", "done", "2026-03-20", done_at="2026-03-05T10:00:00Z", outcome=ERASED, certificate="/x/certificates/RIGHTS-3.json"
)


def test_what_is_late_comes_first_and_the_next_step_is_named() -> None:
    said = page([DONE, WAITING, LATE], TODAY)
    assert (
        said.index("<h2>Late</h2>") < said.index("RIGHTS-1</td>") < said.index("<h2>Waiting</h2>") < said.index("RIGHTS-2</td>")
    )
    assert "1 late, 1 waiting, 1 done" in said
    assert "pscc rights run RIGHTS-1" in said


def test_an_erasure_tells_what_was_found_and_links_its_certificate() -> None:
    said = page([DONE], TODAY)
    assert 'href="certificates/RIGHTS-3.json"' in said
    assert "1,236 traces before, 0 after" in said


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    said = page([LATE, WAITING, DONE], TODAY)
    assert re.findall(r"<script|https?:|src=|<link", said) == []
    assert "&lt;script&gt;" in said


def test_a_register_without_requests_says_so() -> None:
    assert "No request has come in." in page([], TODAY)


@pytest.mark.parametrize(
    ("came", "due"),
    [("2026-01-31", "2026-02-28"), ("2028-01-31", "2028-02-29"), ("2026-12-05", "2027-01-05"), ("2026-11-30", "2026-12-30")],
)
def test_a_request_is_due_on_the_same_day_of_the_next_month_or_on_its_last(came: str, due: str) -> None:
    assert one_month_after(date.fromisoformat(came)).isoformat() == due
