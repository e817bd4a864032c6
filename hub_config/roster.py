"""The roster: accounts, roles, classes, enrolments, passwords and invitations, in one TOML file.

Passwords are argon2id hashes; of an invitation only its hash is kept. Every change takes the file's lock and puts
a whole new file in place, so hub, portal and command line may write at the same time.
"""

import csv
import fcntl
import hashlib
import io
import json
import re
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from courses.checking.private import write_private
from hub_config.errors import Refused, WrongUse
from hub_config.roles import RIGHTS
from hub_config.throttle import Throttle

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
INVITATION_DAYS = 14
RETENTION_DAYS = 365
SHORTEST_PASSWORD = 10
COLUMNS = ("user", "role", "classes", "courses", "language")
_hasher = PasswordHasher()
# A hash takes 64 MiB for as long as it takes; a class that logs in at one moment takes turns.
_turn = BoundedSemaphore(2)
# Checked where there is no such account, so that a name cannot be told from the time an answer takes.
_nobody = _hasher.hash(secrets.token_hex())


@dataclass(frozen=True)
class Account:
    """One person. `number` is never given twice: the user id of their server is made from it."""

    name: str
    role: str
    number: int = 0
    classes: tuple[str, ...] = ()
    # Courses they are enrolled in; none named means every course there is.
    courses: tuple[str, ...] = ()
    language: str = "fr"
    created: datetime | None = None
    last_login: datetime | None = None
    invitation: str = field(default="", repr=False)
    invitation_until: datetime | None = None
    password: str = field(default="", repr=False)


class Roster:
    """The roster in one file. `now` can be another clock, for tests."""

    def __init__(self, path: Path, now: object = None) -> None:
        self.path = path
        self.now = now if callable(now) else lambda: datetime.now(UTC)
        self.throttle = Throttle(path.with_name("throttle.json"), self.now, self.accounts)

    def accounts(self) -> dict[str, Account]:
        """Everybody, by name."""
        if not self.path.exists():
            return {}
        try:
            said = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise WrongUse(f"Expected a roster in TOML in {self.path}, found: {error}. Correct that line.") from None
        return {name: _account(name, told) for name, told in said.get("users", {}).items()}

    def add(
        self, name: str, role: str = "trainee", classes: tuple[str, ...] = (), courses: tuple[str, ...] = (), language: str = "fr"
    ) -> str:
        """Add a person; their invitation, which is shown once and kept nowhere."""
        with self._change() as accounts:
            if name in accounts:
                raise WrongUse(f"Expected a new name, found {name} in the roster already: `reset` invites them again.")
            account = _checked(Account(name, role, self._next_number(accounts), classes, courses, language, self.now()))
            accounts[name], code = self._invited(account)
        return code

    def reset(self, name: str) -> str:
        """A new invitation in place of the password, which is gone at once; what was locked is free again."""
        with self._change() as accounts:
            accounts[name], code = self._invited(replace(_known(accounts, name), password=""))
        self.throttle.forget(name)
        return code

    def remove(self, name: str) -> Account:
        """Take an account out; its home is the caller's to remove."""
        with self._change() as accounts:
            account = _known(accounts, name)
            del accounts[name]
        self.throttle.forget(name)
        return account

    def invited(self, code: str) -> Account:
        """Whom an invitation is for; Refused where it is unknown, used or too old."""
        digest = _digest(code)
        account = next((account for account in self.accounts().values() if account.invitation == digest), None)
        if account is None:
            raise Refused(
                "This invitation is not known, or was used already. Log in with your password, or ask your instructor for a new one.",
                "Cette invitation est inconnue ou a déjà servi. Connectez-vous avec votre mot de passe, ou demandez-en une nouvelle.",
            )
        if account.invitation_until is None or account.invitation_until < self.now():
            raise Refused(
                "This invitation has expired. Ask your instructor for a new one.",
                "Cette invitation a expiré. Demandez-en une nouvelle à votre responsable de formation.",
            )
        return account

    def redeem(self, code: str, password: str) -> Account:
        """Set the password of whom the invitation is for; the invitation is used up."""
        name = self.invited(code).name
        if len(password) < SHORTEST_PASSWORD:
            raise Refused(
                f"Choose a password of {SHORTEST_PASSWORD} characters or more.",
                f"Choisissez un mot de passe d’au moins {SHORTEST_PASSWORD} caractères.",
            )
        with _turn:
            hashed = _hasher.hash(password)
        with self._change() as accounts:
            # Asked again under the lock: of two who come at once, one gets in.
            if accounts.get(name) is None or accounts[name].invitation != _digest(code):
                self.invited(code)
            accounts[name] = replace(accounts[name], password=hashed, invitation="", invitation_until=None, last_login=self.now())
            return accounts[name]

    def log_in(self, name: str, password: str) -> Account:
        """The account behind name and password; Refused otherwise, with the same sentence for a name that is unknown."""
        wrong = Refused("Wrong name or password.", "Nom ou mot de passe incorrect.")
        if not NAME.fullmatch(name):
            # Nobody can be called that, and nothing of what strangers type is kept.
            raise wrong
        self.throttle.begin(name)
        account = self.accounts().get(name)
        if not _matches(account.password if account else _nobody, password) or account is None:
            self.throttle.refuse_if_locked(name)
            raise wrong
        self.throttle.forget(name)
        return self.seen(name)

    def seen(self, name: str) -> Account:
        """Note that a person logged in today: retention counts from here."""
        with self._change() as accounts:
            accounts[name] = replace(_known(accounts, name), last_login=self.now())
            return accounts[name]

    def overdue(self, days: int = RETENTION_DAYS) -> list[str]:
        """Who has not logged in for so long that their account is to go."""
        limit = self.now() - timedelta(days=days)
        return [name for name, account in self.accounts().items() if (account.last_login or account.created or limit) < limit]

    def import_class(self, text: str) -> dict[str, str]:
        """Add or change everybody of a CSV with columns user, role, classes, courses, language; invitations of those who are new.

        All of it or nothing. Lists are separated by spaces. Of people who were there, passwords stay, and whatever the CSV is
        silent about: a column that is not there or an empty cell takes nothing away.
        """
        listed = _listed(text)
        codes = {}
        with self._change() as accounts:
            number = self._next_number(accounts)
            for name, told in listed:
                account = _checked(replace(accounts.get(name) or Account(name, "trainee"), **told))
                if name not in accounts:
                    account, codes[name] = self._invited(replace(account, number=number, created=self.now()))
                    number += 1
                accounts[name] = account
        return codes

    def export_class(self, class_name: str | None = None) -> str:
        """The CSV that import_class() takes, of one class or of everybody; no password and no invitation is in it."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for account in self.accounts().values():
            if class_name is None or class_name in account.classes:
                writer.writerow(
                    [account.name, account.role, " ".join(account.classes), " ".join(account.courses), account.language]
                )
        return out.getvalue()

    def _invited(self, account: Account) -> tuple[Account, str]:
        code = secrets.token_urlsafe(18)
        until = self.now() + timedelta(days=INVITATION_DAYS)
        return replace(account, invitation=_digest(code), invitation_until=until), code

    def _next_number(self, accounts: dict[str, Account]) -> int:
        # Kept beside the roster: the number of somebody removed must not come back with their user id.
        counter = self.path.with_name("next_number")
        highest = max((account.number for account in accounts.values()), default=0)
        return max(highest + 1, int(counter.read_text()) if counter.exists() else 1)

    @contextmanager
    def _change(self) -> Iterator[dict[str, Account]]:
        """All accounts, to be changed; written back whole when nothing was raised."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_name(".roster.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            accounts = self.accounts()
            number = self._next_number(accounts)
            yield accounts
            highest = max((account.number for account in accounts.values()), default=0)
            write_private(self.path.with_name("next_number"), str(max(number, highest + 1)))
            write_private(self.path, _toml(accounts))


def _account(name: str, told: dict[str, object]) -> Account:
    known = {one.name for one in fields(Account)}
    if strange := set(told) - known:
        raise WrongUse(f"Expected of {name} in the roster only {', '.join(sorted(known))}, found {', '.join(sorted(strange))}.")
    lists = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    return _checked(Account(**{"role": "trainee"} | lists | {"name": name}))  # type: ignore[arg-type]


def _checked(account: Account) -> Account:
    """The account, if its name, role, classes and language are possible ones."""
    if not NAME.fullmatch(account.name):
        raise WrongUse(f"Expected a name of small letters, digits and '-', found {account.name!r}: choose another.")
    if account.role not in RIGHTS:
        raise WrongUse(f"Expected one of the roles {', '.join(RIGHTS)} for {account.name}, found {account.role!r}.")
    for name in (*account.classes, *account.courses):
        if not NAME.fullmatch(name):
            raise WrongUse(f"Expected classes and courses of small letters, digits and '-', found {name!r} for {account.name}.")
    if account.language not in ("fr", "en"):
        raise WrongUse(f"Expected the language fr or en for {account.name}, found {account.language!r}.")
    return account


def _listed(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Whom a CSV names, and what it says of each."""
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    if not rows.fieldnames or "user" not in rows.fieldnames or set(rows.fieldnames) - set(COLUMNS):
        raise WrongUse(
            f"Expected a CSV with the columns {', '.join(COLUMNS)}, found {', '.join(rows.fieldnames or ['nothing'])}."
        )
    return [((row["user"] or "").strip(), _said(row)) for row in rows]


def _said(row: dict[str, str]) -> dict[str, Any]:
    """What a row says of somebody: what stands in none of its cells is not said."""
    words = {name: (row.get(name) or "").split() for name in COLUMNS if name != "user"}
    return {name: tuple(said) if name in ("classes", "courses") else " ".join(said) for name, said in words.items() if said}


def _known(accounts: dict[str, Account], name: str) -> Account:
    if name not in accounts:
        raise WrongUse(f"Expected somebody in the roster, found nobody called {name}: see `pscc academy export`.")
    return accounts[name]


def _matches(hashed: str, password: str) -> bool:
    try:
        with _turn:
            return _hasher.verify(hashed or _nobody, password) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _toml(accounts: dict[str, Account]) -> str:
    lines = ["# People of the academy. Written by the academy; may be edited by hand while nobody logs in.\n"]
    for name, account in accounts.items():
        lines.append(f"[users.{name}]\n")
        told = {one.name: getattr(account, one.name) for one in fields(Account) if one.name != "name"}
        lines += [f"{key} = {_value(value)}\n" for key, value in told.items() if value not in (None, "", ())]
    return "".join(lines)


def _value(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=True)
