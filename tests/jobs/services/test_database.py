"""The services' own PostgreSQL: roles get the passwords that the place knows, at each start."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from jobs.services import database, supervisor
from jobs.services.place import OWNERS, Place, prepared, renewed
from jobs.services.programs import named

PATIENCE_SECONDS = 60


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place whose database alone runs."""
    made = prepared(tmp_path, {})
    database.make_cluster(made)
    supervisor.start(made)
    try:
        supervisor.start_program(made, "postgresql")
        until = time.monotonic() + PATIENCE_SECONDS
        while wrong := named("postgresql").probe(made):
            assert time.monotonic() < until, wrong
            time.sleep(0.1)
        yield made
    finally:
        supervisor.shut_down(made)


def test_new_passwords_open_the_database_and_old_ones_no_more(place: Place) -> None:
    database.make_databases(place)
    fresh = renewed(prepared(place.state, {"database_url": place.database("lakehouse")}))
    assert fresh.database_url == fresh.database("lakehouse") != place.database("lakehouse")
    for _ in range(2):
        database.make_databases(fresh)
    for name in OWNERS:
        with psycopg.connect(fresh.database(name)) as connection:
            assert connection.execute("select current_user, current_database()").fetchone() == (name, name)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(place.database(name))
