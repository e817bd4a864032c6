"""Fixtures for all tests: one Spark session, one PostgreSQL and one object store for the whole run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.session import open_session
from jobs.settings import Settings
from quality import places
from tests import object_store as store
from tests import postgres

# Minutes each, in few tests: begun first, so that one worker does not end on them while the other has nothing left to do.
LONGEST = (
    "test_backlog",
    "test_lessons",
    "test_simulated",
    "test_tasks",
    "test_class",
    "test_orders",
    "test_faulty",
    "test_release",
    "test_engines",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the others stay in their order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


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


@pytest.fixture
def address(object_store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place in the object store, which this process can reach."""
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    places._object_store.cache_clear()
    return f"s3a://{store.BUCKET}/{tmp_path.name}"
