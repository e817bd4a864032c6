"""Fixtures for all tests: one Spark session for the whole run."""

from collections.abc import Iterator

import pytest

from jobs.session import open_session
from jobs.settings import Settings


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The clinical engine's session, on a lake of its own."""
    session = open_session(Settings(lake=str(tmp_path_factory.mktemp("lake"))))
    yield session
    session.stop()
