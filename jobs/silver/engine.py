"""The clinical engine: the one writer of silver and gold."""

import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.errors import LeaseLost
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.session import open_session
from jobs.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.build import GoldBuild
    from jobs.silver.passes import PassResult

LOADED = pa.schema(
    [("load_id", pa.int64()), ("center", pa.string()), ("deliveries", pa.list_(pa.string())), ("table", pa.string())]
    + [(kind, pa.int64()) for kind in ("new", "changed", "deleted", "purged")]
)


def open_to_all() -> None:
    """The fence of a caller who works alone."""


class Engine:
    """Spark, started when first needed; every method is safe to run again after a crash."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lake = Lake.of(settings)
        self._spark: SparkSession | None = None
        self._opening = Lock()
        self._warming: Thread | None = None

    @property
    def spark(self) -> "SparkSession":
        with self._opening:
            if self._spark is None:
                self.settings.make_staging()
                self._spark = open_session(self.settings)
            return self._spark

    def publish(
        self,
        center: str,
        delivery_ids: list[str],
        accept_failed: bool = False,
        fence: Callable[[], None] = open_to_all,
        without: Iterable[str] = (),
    ) -> "PassResult":
        """Work the deliveries of a hospital, which lie in bronze, into silver, in one pass.

        `fence` is asked before every commit, and raises when the caller lost the right to write. The rows of the deliveries
        `without` stay out of silver; who is opposed in them is hidden all the same.
        """
        from jobs.silver.passes import SilverPass

        work = SilverPass(
            lambda: self.spark, self.lake, hospitals()[center], delivery_ids, self._next_number(), frozenset(without)
        )
        result = work.run(accept_failed=accept_failed, fence=fence)
        self._record(center, delivery_ids, result)
        return result

    def hide(self, center: str, delivery_ids: list[str], fence: Callable[[], None] = open_to_all) -> "PassResult":
        """Purge from silver whom these deliveries oppose; nothing else of them reaches it, and no JVM is needed."""
        from jobs.silver.passes import SilverPass

        self.settings.make_staging()
        work = SilverPass(lambda: self.spark, self.lake, hospitals()[center], delivery_ids, self._next_number())
        result = work.hide(fence)
        self._record(center, delivery_ids, result)
        return result

    def close(self) -> None:
        """Stop the JVM."""
        if self._warming is not None:
            self._warming.join()
        if self._spark is not None:
            self._spark.stop()
            self._spark = None

    def _next_number(self) -> int:
        """A number no pass had before, not even one that died: Delta takes a number once a table."""
        return max(int(time.time() * 1000), self._last_number() + 1)

    def _last_number(self) -> int:
        passes = self.lake.frame("ops", "load_process", ["load_id"])["load_id"]
        return int(passes.max() or 0) if len(passes) else 0  # type: ignore[arg-type]

    def _record(self, center: str, delivery_ids: list[str], result: "PassResult") -> None:
        rows = [
            {
                "load_id": result.number,
                "center": center,
                "deliveries": delivery_ids,
                "table": table,
                **{kind: counts.get(kind, 0) for kind in ("new", "changed", "deleted", "purged")},
            }
            for table, counts in result.tables.items()
        ]
        if rows:
            # A pass for rows that wait has no delivery: nothing would say what its list is of.
            table = pa.Table.from_pylist(rows, LOADED)
            self.lake.write("ops", "load_process", table, transaction=("pscc/load_process", result.number))

    def build(self, fence: Callable[[], None] = open_to_all) -> dict[str, int]:
        """Refresh gold, and the worklist of unknown codes; the rows of every product that was made again."""
        work = self._gold(fence)
        if work is None:
            return {}
        try:
            built = work.run()
        except LeaseLost:
            raise
        except Exception:
            # Whoever is hidden leaves what could not be made, and the Data Docs show why; the first failure is the one to tell.
            with suppress(Exception):
                self.finish(fence)
            raise
        if built:
            self.finish(fence)
        return built

    def finish(self, fence: Callable[[], None] = open_to_all) -> str:
        """After a build: who is hidden leaves the products that could not be made; worklist and Data Docs say what is in the tables.

        The state that they tell of; no JVM is needed.
        """
        from jobs.silver import unmapped
        from quality.docs import build_docs

        fence()
        work = self._gold(fence)
        if work is not None:
            work.forget_hidden()
        self.settings.make_staging()
        unmapped.refresh(self.lake, self._next_number())
        # Taken before the pages are made: what landing notes meanwhile is told by the next build.
        state = self.checked()
        build_docs(self.settings.lake)
        return state

    def checked(self) -> str:
        """A digest of what worklist and Data Docs are made from: silver, and what was found in checking it."""
        from quality.contracts import contracts

        read = [*(("silver", name) for name in contracts("silver")), ("ops", "quality_result"), ("ops", "drift")]
        said = [f"{zone}.{name} {self.lake.id_of(zone, name)} {self.lake.content(zone, name)}" for zone, name in read]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]

    def build_table(self, name: str, fence: Callable[[], None] = open_to_all) -> bool:
        """Make one product again; False where neither what it reads nor its rules have changed."""
        work = self._gold(fence)
        return work.make(name) if work else False

    def save_cohort(self, name: str, members: pa.Table | None, fence: Callable[[], None] = open_to_all) -> None:
        """Replace the members of a cohort, with nobody where None is given; every other cohort keeps those who are patients of gold."""
        work = self._gold(fence)
        if work is not None:
            work.save_cohort(name, members)

    def gold_is_fresh(self) -> bool:
        """True where no product would be made again."""
        from jobs.build import GoldBuild, patient_keys_are_fresh

        return (
            self.lake.exists("silver", "person")
            and patient_keys_are_fresh(self.lake)
            and GoldBuild(lambda: self.spark, self.lake, self._next_number()).is_fresh()
        )

    def _gold(self, fence: Callable[[], None]) -> "GoldBuild | None":
        from jobs.build import GoldBuild, write_patient_keys

        if not self.lake.exists("silver", "person"):
            return None
        write_patient_keys(self.lake, self.settings.platform_key())
        return GoldBuild(lambda: self.spark, self.lake, self._next_number(), fence)

    def rebuild(
        self, deliveries: dict[str, list[str]], without: Iterable[str] = (), fence: Callable[[], None] = open_to_all
    ) -> None:
        """Make silver again from bronze, hospital by hospital, after a mapping was corrected: rows that come out the same stay as they are."""
        for center, loaded in deliveries.items():
            self.publish(center, loaded, fence=fence, without=without)

    def warm_up(self) -> None:
        """Start the JVM and import the gate in the background, while landing works."""
        if self._warming is None:
            self._warming = Thread(target=self._warm, daemon=True)
            self._warming.start()

    def _warm(self) -> None:
        from quality import gate
        from quality.contracts import contracts

        # What goes wrong here is said when it is asked for again.
        with suppress(Exception):
            self.spark.sql("select 1").collect()
            gate.prepare(contracts("silver").values())

    def sql(self, query: str, versions: dict[str, int] | None = None, through: str = "pscc sql") -> pa.Table:
        """The rows of a query; tables are known as `zone.table`. WrongUse for a statement that would change something.

        With `versions` it asks the tables of gold as a build left them. The access log is told what is read, and `through` what.
        """
        from jobs import access
        from jobs.query import knows_gold, reads_only, rows, rows_of_build

        # The curated engine notes its queries itself: it knows who asks, and nobody can leave that out.
        if reads_only(query) and not knows_gold(self.spark):
            access.note(self.settings, through, access.reads(self.lake, query, versions))
        return rows(self.spark, self.lake, query) if versions is None else rows_of_build(self.spark, self.lake, query, versions)
