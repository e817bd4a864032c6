"""What Prometheus reads: gauges from the ledger, quarantine and gold, in its text format. No name and no value of a patient."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jobs import builds, quarantine
from jobs.errors import LakehouseError, WrongUse
from jobs.failures import own_words
from jobs.lake import Lake
from jobs.ledger import Delivery, Ledger
from jobs.ledger.alerts import looked_at, opened
from jobs.settings import Settings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gauge:
    """A gauge with its values, by labels."""

    name: str
    help: str
    values: Mapping[Labels, float]

    def lines(self) -> Iterator[str]:
        """As Prometheus reads it."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} gauge"
        for labels, value in sorted(self.values.items()):
            told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
            yield f"{self.name}{{{told}}} {value:.16g}" if told else f"{self.name} {value:.16g}"


def metrics(settings: Settings) -> str:
    """All gauges as text; WrongUse where there is no lake."""
    with closing(Ledger(settings, create=False)) as ledger:
        found = [*_of_ledger(ledger), *_of_lake(Lake.of(settings))]
    return "".join(f"{line}\n" for gauge in found for line in gauge.lines())


def _of_ledger(ledger: Ledger) -> Iterator[Gauge]:
    deliveries = ledger.deliveries()
    held = [each for each in deliveries if each.state == "held"]
    announced = {each.id: each.found_at for each in ledger.announcements()}
    last = _newest((each.center, announced[each.announcement_id]) for each in deliveries)
    loaded = _newest((each.center, each.since) for each in deliveries if each.state == "loaded")
    waiting = len(ledger.announcements(unsettled=True))
    looked = looked_at(ledger)
    yield Gauge("pscc_deliveries", "Known deliveries, by state.", _counted(deliveries, "center", "state"))
    yield Gauge("pscc_held_since_timestamp_seconds", "Since when the oldest held delivery is held.", _oldest(held))
    yield Gauge("pscc_announcements_waiting", "Manifests without a verdict.", {(): waiting})
    yield Gauge("pscc_last_delivery_timestamp_seconds", "When a hospital's newest delivery was found.", last)
    yield Gauge("pscc_last_loaded_timestamp_seconds", "When a hospital's newest loaded delivery reached silver.", loaded)
    yield Gauge("pscc_alerts_open", "Open alerts, by kind.", _counted(opened(ledger), "kind"))
    yield Gauge(
        "pscc_alerts_looked_at_timestamp_seconds",
        "When causes of alerts were looked for.",
        {(): _seconds(looked)} if looked else {},
    )


def _of_lake(lake: Lake) -> Iterator[Gauge]:
    rows = Counter[Labels]()
    for each in quarantine.counted(lake):
        rows[("center", each.center), ("status", each.status)] += each.rows
    built = builds.recorded(lake) if lake.exists("ops", "build") else None
    made = {} if built is None else {row["table"]: row for row in built.to_dicts()}
    yield Gauge("pscc_quarantined_rows", "Rows that are set aside or wait.", rows)
    yield Gauge(
        "pscc_gold_built_timestamp_seconds",
        "When a product of gold was made.",
        {(("table", name),): row["published_at"].timestamp() for name, row in made.items()},
    )
    yield Gauge(
        "pscc_gold_rows",
        "Rows of a product of gold when it was made.",
        {(("table", name),): row["rows"] for name, row in made.items()},
    )


def _counted(found: Iterable[object], *names: str) -> dict[Labels, float]:
    return dict(Counter(tuple((name, str(getattr(each, name))) for name in names) for each in found))


def _newest(found: Iterable[tuple[str, str]]) -> dict[Labels, float]:
    """By hospital the newest of these moments."""
    newest = dict[Labels, float]()
    for center, moment in found:
        key: Labels = (("center", center),)
        newest[key] = max(_seconds(moment), newest.get(key, 0.0))
    return newest


def _oldest(held: list[Delivery]) -> dict[Labels, float]:
    """By hospital since when its oldest held delivery is held."""
    return {(("center", each.center),): _seconds(each.since) for each in sorted(held, key=lambda each: each.since, reverse=True)}


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def server(port: int, made: Callable[[], str], listen: str = "127.0.0.1") -> ThreadingHTTPServer:
    """A server of these at /metrics, which asks nobody who they are; WrongUse where it cannot listen."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = _answer(made) if self.path == "/metrics" else (404, "Expected /metrics.\n")
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """A scrape every few seconds is no news."""

    try:
        return ThreadingHTTPServer((listen, port), Page)
    except OSError as error:
        raise WrongUse(
            f"Expected a free port at {listen}:{port}, found: {error.strerror}. Name another one with --serve."
        ) from None


def _answer(made: Callable[[], str]) -> tuple[int, str]:
    """What is asked for, or a sentence: a database that is away for a moment ends no server."""
    try:
        with own_words():
            return 200, made()
    except LakehouseError as error:
        return 503, f"{error}\n"
