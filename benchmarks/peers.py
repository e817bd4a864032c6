"""Other anonymisers on a table, each in an environment of its own; imports nothing of ours. Called by benchmarks/anonymise.py.

peers.py TOOL FOLDER K TO.csv: `rows.csv` in the folder has the rows, numbers and ordered words as numbers, `columns.json` what each column is.
A cell is written in the words of the hierarchies: a value, a group, `*`, a run `low–high`, or values with `|` between them.
"""

import json
import logging
import sys
import time
from pathlib import Path

import pandas as pd

SENSITIVE = "income"


def anjana(rows: pd.DataFrame, columns: dict, k: int, suppressed: int) -> pd.DataFrame:
    """One level a column for all rows; at most so many rows of a hundred are left out."""
    from anjana.anonymity import k_anonymity

    text, hierarchies = rows.copy(), {}
    for name, column in columns.items():
        text[name] = [column["told"][value] for value in rows[name].astype(str)]
        hierarchies[name] = dict(enumerate(pd.Series(labels) for labels in reversed(column["labels"])))
    return k_anonymity(text, [], list(columns), k, suppressed, hierarchies)


def anonypy(rows: pd.DataFrame, columns: dict, k: int) -> pd.DataFrame:
    """Mondrian: classes halved in the widest column, told by runs and by lists of values."""
    import anonypy as tool

    frame, numbers = rows.copy(), [name for name, column in columns.items() if column["ordered"]]
    for name in set(columns) - set(numbers):
        frame[name] = frame[name].astype("category")
    made = pd.DataFrame(tool.Preserver(frame, list(columns), SENSITIVE).anonymize_k_anonymity(k))
    made = made.loc[made.index.repeat(made["count"])].drop(columns="count")
    for name, column in columns.items():
        cells = made[name].map(lambda cell: cell[0] if isinstance(cell, list) else cell)
        made[name] = [_run(cell.split("-"), column) if name in numbers else cell.replace(",", "|") for cell in cells]
    return made


def lighthouse(rows: pd.DataFrame, columns: dict, k: int) -> pd.DataFrame:
    """Core Mondrian. It tells means of numbers; here they are told by the run of the class, as others tell them."""
    from project_lighthouse_anonymize.gtrees import GTree
    from project_lighthouse_anonymize.wrappers.k_anonymize import k_anonymize

    trees, numbers = {}, [name for name, column in columns.items() if column["ordered"]]
    for name in set(columns) - set(numbers):
        trees[name] = tree = GTree()
        nodes = {(): tree.create_node("*")}
        for path in zip(*columns[name]["labels"][1:], strict=True):
            for depth in range(1, len(path) + 1):
                if path[:depth] not in nodes:
                    nodes[path[:depth]] = tree.create_node(path[depth - 1], parent=nodes[path[: depth - 1]])
        tree.add_default_geometric_sizes()
    frame = rows.assign(row=range(len(rows)))
    made, *_ = k_anonymize(logging.getLogger("peer"), frame, list(columns), k, trees, "row", parallelism=None)
    whole = made.merge(rows[numbers].assign(row=frame["row"]), on="row", suffixes=("", " before"))
    classes = whole.groupby(list(columns), sort=False)
    for name in numbers:
        ends = zip(*(classes[f"{name} before"].transform(of) for of in ("min", "max")), strict=True)
        made[name] = [_run([str(low), str(high)], columns[name]) for low, high in ends]
    return made.drop(columns="row")


def _run(ends: list[str], column: dict) -> str:
    told = [column["told"][end] for end in (ends[0], ends[-1])]
    return told[0] if told[0] == told[1] else "–".join(told)


def pycanon(folder: Path, columns: dict) -> dict[str, int]:
    """The k of every table in a folder."""
    from pycanon import anonymity

    tables = {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(folder.glob("told *.csv"))}
    return {name: int(anonymity.k_anonymity(table, list(columns))) for name, table in tables.items()}


def main(tool: str, folder: str, k: str, to: str) -> None:
    columns = json.loads((Path(folder) / "columns.json").read_text(encoding="utf-8"))
    if tool == "pycanon":
        print(json.dumps(pycanon(Path(folder), columns)))
        return
    rows = pd.read_csv(Path(folder) / "rows.csv", keep_default_na=False)
    before = time.process_time()
    if tool.startswith("anjana"):
        made = anjana(rows, columns, int(k), int(tool.partition(" ")[2]))
    else:
        made = {"anonypy": anonypy, "lighthouse": lighthouse}[tool](rows, columns, int(k))
    spent = time.process_time() - before
    made.to_csv(to, index=False)
    print(json.dumps({"cpu": spent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
