"""The database that is shared: who asks it does not wait for ever for one that does not answer."""

import time

import psycopg
import pytest
from sqlalchemy.exc import DatabaseError

from jobs import database
from tests import postgres


def test_a_database_that_takes_connections_and_answers_nobody_is_given_up(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.LIMITS, "connect_timeout", "2")
    engine = database.postgres(postgresql)
    with postgres.silenced(postgresql):
        began = time.monotonic()
        with pytest.raises(DatabaseError):
            engine.connect()
        assert time.monotonic() - began < 8


def test_connections_are_bounded_and_the_address_may_say_how(postgresql: str) -> None:
    for address, seconds in (postgresql, "10"), (f"{postgresql}&connect_timeout=3", "3"):
        engine = database.postgres(address)
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            told = raw.info.get_parameters()
        engine.dispose()
        assert told["connect_timeout"] == seconds
        assert (told["tcp_user_timeout"], told["keepalives_idle"]) == ("30000", "30")
