"""The commands of whoever tries the lakehouse without real patients: simulated hospitals, and the demo."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.shared import make_folder
from jobs.errors import WrongUse


def simulate(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the deliveries go.")],
    patients: Annotated[int, typer.Option(min=10)] = 300,
    deliveries: Annotated[int, typer.Option(min=1, max=24, help="Per hospital.")] = 4,
    seed: int = 7,
    dirt: Annotated[
        str | None,
        typer.Option(
            metavar="RATES", help="One rate for every kind of defect, or missing=0.01,late=0; a little of each if not given."
        ),
    ] = None,
    faults: Annotated[str, typer.Option(metavar="KINDS", help="Deliveries that go wrong: refused,late or all or none.")] = "none",
) -> None:
    """Make signed deliveries of three synthetic hospitals, with an answer key."""
    from jobs.simulate import Dirt, Faults
    from jobs.simulate import simulate as simulated

    try:
        rates, wrong = Dirt.parse(dirt) if dirt is not None else None, Faults.parse(faults)
    except ValueError as error:
        raise WrongUse(f"{str(error)[:1].upper()}{str(error)[1:]}. See `pscc simulate --help`.") from None
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUse(f"Expected an empty folder at {to}, found something there: name a new one.")
    make_folder(to)
    made = simulated(patients, deliveries, seed, to, rates, wrong)
    print(f"{len(made.deliveries)} deliveries of {made.patients:,} patients lie in {made.landing}, their keys in {made.keys}.")


def demo(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where everything of the demo goes.")] = Path("demo"),
    deliveries: Annotated[
        Path | None, typer.Option("--deliveries", metavar="LANDING", help="Real deliveries in place of simulated ones.")
    ] = None,
    keys: Annotated[Path | None, typer.Option("--keys", metavar="KEYS.json", help="The keys of those.")] = None,
) -> None:
    """Simulate three hospitals, run the DAGs on them and show what came out. From a checkout only: the wheel has no DAGs.

    Exit code 1 when a task failed other than the verdict on a refused delivery.
    """
    from jobs.demo import demo as shown
    from jobs.demo import prepare

    prepare(to)
    make_folder(to)
    raise typer.Exit(0 if shown(to, deliveries, keys) else 1)
