"""The audit of acts on people's rights: one line an act, each with the hash of the one before, in a file that only grows.

Who changes a line, or takes one out, breaks the chain; who cuts its end is found out by the vault, which knows how long it was.
"""

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import IO, Any

from jobs import private
from jobs.errors import ContractViolation
from jobs.landing.vault import Vault, audit_head, put, rows_of
from jobs.ledger import now
from jobs.settings import Settings
from quality.address import is_remote

FIRST = "0" * 64


def place(settings: Settings) -> Path:
    """Where the audit of a lake lies; of a lake in an object store among its proofs."""
    if not is_remote(settings.lake):
        return Path(settings.lake, "ops", "audit", "audit.jsonl")
    return settings.proofs() / "audit.jsonl"


def note(settings: Settings, vault: Vault, *, who: str, act: str, purpose: str, request: str, rows: int, **more: str) -> str:
    """Write an act down; the hash of its line. Nothing in it may name a patient. `more` is what only some acts have, such as what their certificate says."""
    file = place(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    with private.opened(file, "a+") as written:
        fcntl.flock(written, fcntl.LOCK_EX)
        lines = _known(vault, file, written)
        before = json.loads(lines[-1])["hash"] if lines else FIRST
        line = {"number": len(lines) + 1, "at": now(), "who": who, "act": act, "purpose": purpose, "request": request}
        line |= {"rows": rows, "before": before} | more
        line["hash"] = _hash(line)
        written.write(json.dumps(line, ensure_ascii=False) + "\n")
        written.flush()
        os.fsync(written.fileno())
        with vault.transaction() as tx:
            put(tx, audit_head, [{"name": "rights", "number": line["number"], "hash": line["hash"]}])
    return str(line["hash"])


def _known(vault: Vault, file: Path, written: IO[str]) -> list[str]:
    """The lines that the vault knows of; ContractViolation where they are not there. One beyond them was cut short, or is nobody's act: it is
    kept in a file of its own."""
    written.seek(0)
    lines = written.read().splitlines()
    with vault.transaction() as tx:
        heads = {int(head["number"]): head["hash"] for head in rows_of(tx, audit_head, name="rights")}
    known = max(heads, default=0)
    if known and (len(lines) < known or f'"hash": "{heads[known]}"' not in lines[known - 1]):
        raise ContractViolation(
            f"Expected the audit to end with act {known}, as the vault knows it, found {len(lines)} lines and another end: nothing is added to "
            "it. Compare it with a backup."
        )
    if len(lines) > known:
        with private.opened(file.with_suffix(".beyond"), "a") as beyond:
            beyond.write("".join(f"{line}\n" for line in lines[known:]))
        # Cut, not written anew: nothing that is known can be lost meanwhile.
        written.truncate(len("".join(f"{line}\n" for line in lines[:known]).encode()))
    return lines[:known]


def _hash(line: dict[str, Any]) -> str:
    said = {name: value for name, value in line.items() if name != "hash"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def lines(settings: Settings) -> list[dict[str, Any]]:
    """Every act, the oldest first."""
    file = place(settings)
    if not file.exists():
        return []
    try:
        return [dict(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError):
        raise ContractViolation(f"Expected one object a line in {file}, found something else: somebody wrote into it.") from None


def chained(settings: Settings) -> list[dict[str, Any]]:
    """Every act, where the chain holds; ContractViolation names the first line that is not as it was written. What the vault knows of its end is
    not asked.
    """
    found, before = lines(settings), FIRST
    for number, line in enumerate(found, 1):
        if line.get("number") != number or line.get("before") != before or line.get("hash") != _hash(line):
            raise ContractViolation(
                f"Expected line {number} of the audit as it was written, found it changed, moved or its neighbour gone: "
                "compare it with a backup."
            )
        before = line["hash"]
    return found


def verify(settings: Settings, vault: Vault) -> int:
    """The number of acts, where the chain holds and ends as the vault knows it; ContractViolation otherwise."""
    found = chained(settings)
    with vault.transaction() as tx:
        heads = rows_of(tx, audit_head, name="rights")
    for head in heads:
        if len(found) < head["number"] or found[head["number"] - 1]["hash"] != head["hash"]:
            raise ContractViolation(
                f"Expected an audit of {head['number']} lines at least, ending as it was last written, found {len(found)}: its end was cut."
            )
    if len(found) > sum(head["number"] for head in heads):
        raise ContractViolation(
            f"Expected an audit that ends as the vault knows it, found {len(found)} lines, more than that: an act was cut short, or somebody "
            "wrote into it. The next act sets them aside in audit.beyond; look at them there."
        )
    return len(found)


def check(settings: Settings) -> int:
    """`verify` for a command; WrongUse where there is no lake."""
    from jobs.ledger import Ledger

    Ledger(settings, create=False).close()
    vault = Vault(settings)
    try:
        return verify(settings, vault)
    finally:
        vault.close()
