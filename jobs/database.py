"""The PostgreSQL that PSCC_DATABASE_URL names, under the ledger and the vault."""

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from jobs.errors import WrongUse

# A machine that is gone, or a network that is cut, says nothing: without these who asks would wait for hours. The address may name others.
LIMITS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
EXPECTED = "Expected PSCC_DATABASE_URL to be postgresql://user:password@host:port/database, found"


def postgres(url: str) -> Engine:
    """An engine for the database at `url`, which is not asked yet; WrongUse where no PostgreSQL can have that address.

    The address may hold a password: no message shows it.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise WrongUse(f"{EXPECTED} something that is no address: correct it.") from None
    if address.get_backend_name() != "postgresql":
        raise WrongUse(f"{EXPECTED} another kind of database: only PostgreSQL can be shared.")
    bounded = address.set(drivername="postgresql+psycopg").update_query_dict(LIMITS | dict(address.query))
    try:
        return create_engine(bounded, pool_pre_ping=True, hide_parameters=True)
    except ImportError:
        raise WrongUse(f"{EXPECTED} one, but no driver for it: install pscc-lakehouse[postgres].") from None


def unusable(what: str, error: DatabaseError) -> WrongUse:
    """What to say when a database does not answer as it should. The driver's own words may hold the address: only their kind is shown."""
    kind = type(error.orig).__name__
    return WrongUse(f"Expected {what}, found a database that cannot be used ({kind}): check --lake and PSCC_DATABASE_URL.")
