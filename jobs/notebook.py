"""A ready notebook for an analyst: a survival analysis that runs as it stands, and the cohort that it is about."""

import json
from pathlib import Path

from jobs.errors import WrongUse

HERE = Path(__file__).parent / "notebooks"
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
NEEDED = ("jupytext", "ipykernel", "lifelines", "matplotlib")


def write(folder: Path, lake: str, build: int) -> list[Path]:
    """Write the notebook and its cohort into a folder, for a lake and one of its builds; WrongUse where one of them is there already."""
    from importlib.util import find_spec

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise WrongUse(
            f"Expected {', '.join(missing)} to be installed, found it missing: install the extras `academy` and `report` of this project."
        )
    places = [folder / "survival.ipynb", folder / "treated_cancer.toml"]
    if there := [place for place in places if place.exists()]:
        raise WrongUse(f"Expected a folder without {there[0].name}, found it in {folder}: name another one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        places[0].write_text(notebook(lake, build), encoding="utf-8")
        places[1].write_text((HERE / "treated_cancer.toml").read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"Expected to write into {folder}, found: {error.strerror}. Name another folder.") from None
    return places


def notebook(lake: str, build: int) -> str:
    """The notebook as JSON, with lake and build written into its first cell of code."""
    import jupytext

    text = (HERE / "survival.md").read_text(encoding="utf-8")
    made = jupytext.reads(
        text.replace("LAKE_OF_COMMAND", json.dumps(lake)).replace("BUILD_OF_COMMAND", str(build)), fmt="md:myst"
    )
    made.metadata = dict(KERNEL)
    return str(jupytext.writes(made, fmt="ipynb"))
