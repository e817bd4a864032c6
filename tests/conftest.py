"""Fixtures for all tests: one Spark session and one PostgreSQL for the whole run."""

from collections.abc import Iterator

import pytest

from jobs.session import open_session
from jobs.settings import Settings
from tests import postgres


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The clinical engine's session, on a lake of its own."""
    session = open_session(Settings(lake=str(tmp_path_factory.mktemp("lake"))))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL database that tests may empty."""
    with postgres.server() as address:
        yield address
