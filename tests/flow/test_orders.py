"""Deliveries in every order, some of them twice: counts after each as in the answer key, and in the end what the backlog gives."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobs.lake import Lake
from tests.flow import parts
from tests.flow.answer_key import count_differences, differences, rows, state, waiting_differences
from tests.flow.conftest import Lakehouse, announce

pytestmark = pytest.mark.samples
# Out of order, several deliveries arrive between two starts: most of them wait anyway, and a start costs a pass a hospital.
NIGHT = 5
REPEATS = 6


def in_order(samples: Path) -> list[Path]:
    """The deliveries in order of their creation."""
    return [next((samples / "landing").glob(f"*/*/*/{row['delivery_id']}")) for row in rows(samples, "deliveries.csv")]


def shuffled(seed: int) -> Callable[[list[Path]], list[Path]]:
    """The deliveries in an order of chance, some of them announced twice."""

    def mixed(order: list[Path]) -> list[Path]:
        dice = random.Random(seed)
        found = order + dice.sample(order, REPEATS)
        dice.shuffle(found)
        return found

    return mixed


def nights(order: list[Path]) -> Iterator[list[Path]]:
    """The announcements in their order, some at a time. A manifest written twice between two starts is seen once, so that ends a night."""
    night: list[Path] = []
    for delivery in order:
        if len(night) == NIGHT or delivery in night:
            yield night
            night = []
        night.append(delivery)
    yield night


@dataclass
class Expected:
    """What becomes of announcements by the chains alone: `followers` names the delivery behind each, the first ones behind ''."""

    followers: dict[str, str]
    first: set[str]
    known: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, samples: Path) -> "Expected":
        chain = {row["delivery_id"]: row["previous_delivery_id"] for row in rows(samples, "deliveries.csv")}
        return cls(
            {before: each for each, before in chain.items() if before}, {each for each, before in chain.items() if not before}
        )

    def announced(self, delivery_id: str) -> list[tuple[str, str]]:
        """The verdicts that an announcement brings: its own, and those of deliveries that waited for it."""
        if delivery_id in self.known:
            return [(delivery_id, "duplicate")]
        self.known.add(delivery_id)
        before = next((each for each, follower in self.followers.items() if follower == delivery_id), None)
        if before is not None and before not in self.accepted:
            return [(delivery_id, "held")]
        verdicts = []
        following: str | None = delivery_id
        while following in self.known:
            self.accepted.add(following)
            verdicts.append((following, "accepted"))
            following = self.followers.get(following)
        return verdicts


def received(house: Lakehouse, samples: Path, landing: Path, night: list[Path]) -> Counter[tuple[str | None, str]]:
    """Announce deliveries one after the other, start once: the verdicts that fell."""
    for delivery in night:
        announce(delivery, landing)
    reports = house.ingest(landing, samples / "keys.json")
    wrong = {code for report in reports for code in report.reason_codes} - {"CHAIN_GAP", "DUPLICATE_DELIVERY"}
    assert wrong == set()
    return Counter((report.delivery_id, report.outcome) for report in reports)


def wrong_after_each(house: Lakehouse, samples: Path, landing: Path, order: list[Path]) -> dict[str, object]:
    """By delivery, the counts and waiting rows of silver that were not those of the answer key when it was loaded."""
    wrong: dict[str, object] = {}
    lake = Lake(str(house.root))
    for delivery in order:
        assert received(house, samples, landing, [delivery]) == {(delivery.name, "accepted"): 1}
        found = count_differences(samples, lake, delivery.name) | waiting_differences(samples, lake, delivery.name)
        wrong |= {delivery.name: found} if found else {}
    return wrong


@pytest.fixture(scope="module")
def backlog(samples: Path, spark: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What silver and gold say when all deliveries came at once."""

    def make() -> dict[str, str]:
        house = Lakehouse(tmp_path_factory.mktemp("all-at-once") / "lake", spark)
        reports = house.ingest(samples / "landing", samples / "keys.json")
        assert sum(report.outcome == "accepted" for report in reports) == len(in_order(samples))
        house.engine.build()
        return state(Lake(str(house.root)))

    return parts.kept("backlog", make)


def test_the_first_deliveries_one_by_one_give_the_counts_of_the_answer_key(
    samples: Path, lakehouse: Lakehouse, tmp_path: Path
) -> None:
    """The first of each hospital and the second of one; `make acceptance` goes on to the last."""
    assert wrong_after_each(lakehouse, samples, tmp_path / "landing", in_order(samples)[:4]) == {}


@pytest.mark.acceptance
def test_all_deliveries_one_by_one_give_the_counts_of_the_answer_key_and_end_as_the_backlog(
    samples: Path, lakehouse: Lakehouse, tmp_path: Path, backlog: dict[str, str]
) -> None:
    wrong = wrong_after_each(lakehouse, samples, tmp_path / "landing", in_order(samples))
    lakehouse.engine.build()
    assert (wrong, differences(backlog, state(Lake(str(lakehouse.root))))) == ({}, {})


@pytest.mark.acceptance
@pytest.mark.parametrize(
    "arranged", [lambda order: order[::-1], shuffled(1), shuffled(2)], ids=["reversed", "shuffled-1", "shuffled-2"]
)
def test_deliveries_in_another_order_end_as_the_backlog(
    samples: Path, lakehouse: Lakehouse, tmp_path: Path, backlog: dict[str, str], arranged: Callable[[list[Path]], list[Path]]
) -> None:
    """Each waits for its predecessor, and nothing else; one that is announced again changes nothing."""
    expected, order = Expected.of(samples), in_order(samples)
    for night in nights(arranged(order)):
        wanted = Counter(verdict for delivery in night for verdict in expected.announced(delivery.name))
        assert received(lakehouse, samples, tmp_path / "landing", night) == wanted
    assert expected.accepted == {delivery.name for delivery in order}
    lakehouse.engine.build()
    assert differences(backlog, state(Lake(str(lakehouse.root)))) == {}
