"""Fixtures for all tests: one Spark session, one PostgreSQL and one object store for the whole run."""

from collections.abc import Iterator

import pytest

from jobs.session import open_session
from jobs.settings import Settings
from tests import object_store as store
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


@pytest.fixture(scope="session")
def object_store() -> Iterator[dict[str, str]]:
    """The environment of an object store with one bucket."""
    with store.server() as environment:
        yield environment
