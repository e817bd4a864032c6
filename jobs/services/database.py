"""The PostgreSQL of one machine: made once, with a role and a database for each who needs one."""

import os
import subprocess
from pathlib import Path

from jobs.errors import LakehouseError
from jobs.services import confine
from jobs.services.place import OWNERS, Place, write_private
from jobs.services.users import POSTGRES_UID


def make_cluster(place: Place) -> None:
    """The folder of the database, once. Nobody logs in without a password."""
    folder = confine.data(place)
    if (folder / "PG_VERSION").is_file():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    word = place.run / "password"
    write_private(word, place.passwords["postgres"] + "\n")
    if os.geteuid() == 0:
        for path in (folder, word):
            os.chown(path, POSTGRES_UID, POSTGRES_UID)
    try:
        made = subprocess.run(_initdb(place, word), capture_output=True, text=True, check=False)
    finally:
        word.unlink()
    if made.returncode:
        said = " ".join(made.stderr.split())[-300:]
        raise LakehouseError(
            f"Expected to make a database in {folder}, found: {said}. Remove that folder, mend it and run again."
        )


def _initdb(place: Place, word: Path) -> list[str]:
    inside = "/password" if os.geteuid() == 0 else str(word)
    words = ["-U", "postgres", "-A", "scram-sha-256", f"--pwfile={inside}", "--encoding=UTF8", "--locale=C.UTF-8"]
    confined = confine.postgresql(place, password=word)
    return [*confined, str(confine.binaries() / "initdb"), "-D", confine.data_inside(place), *words]


def make_databases(place: Place) -> None:
    """A role and a database for Airflow and for the ledger, where they are missing, and the passwords that the place knows."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(place.database("postgres"), autocommit=True) as connection:
        for name in OWNERS:
            known, owner = sql.Literal(place.passwords[name]), sql.Identifier(name)
            if not connection.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone():
                connection.execute(sql.SQL("create role {}").format(owner))
            connection.execute(sql.SQL("alter role {} login password {}").format(owner, known))
            if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("create database {} owner {}").format(owner, owner))
                connection.execute(sql.SQL("revoke all on database {} from public").format(owner))
