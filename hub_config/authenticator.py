"""Who is who: the academy's own roster by default, OIDC or LTI 1.3 where a setting says so.

The roster decides roles and classes whoever checks the password.
"""

import asyncio
import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from tornado import web
from traitlets import Unicode

from hub_config import roles
from hub_config.access import note_entry
from hub_config.errors import NO_ROOM, Refused, WrongUse, is_full
from hub_config.language import language
from hub_config.roster import Account, Roster

# What came of a log-in, in the access log.
LOGGED_IN, REFUSED = "logged in", "log-in refused"


def no_room(handler: BaseHandler) -> web.HTTPError:
    """The page that who comes to a full disk gets."""
    return web.HTTPError(507, NO_ROOM.sentence[language(handler)])


def auth_model(account: Account) -> dict[str, Any]:
    """An account as the hub takes it: name, groups and roles. Nobody is an admin."""
    return {
        "name": account.name,
        "admin": False,
        "groups": roles.groups(account.role, account.classes),
        "roles": [role.as_model() for role in roles.hub_roles(account.role, account.classes)],
    }


def note_log_in(roster_file: Path, handler: BaseHandler, name: str, outcome: str) -> None:
    """Note in the academy's access log who logs in, or is refused; of a name that is not on the roster, that somebody was."""
    known = name if name in Roster(roster_file).accounts() else None
    note_entry(roster_file.parent, "log-in", who=known, client=handler.request.remote_ip, outcome=outcome)


async def noted(roster_file: Path, handler: BaseHandler, name: str, entry: Callable[[], Account]) -> Account:
    """The account that `entry` lets in, or its refusal; either is noted before the person knows."""
    try:
        # The hash takes a tenth of a second, during which the hub goes on.
        account = await asyncio.to_thread(entry)
    except Refused:
        note_log_in(roster_file, handler, name, REFUSED)
        raise
    note_log_in(roster_file, handler, account.name, LOGGED_IN)
    return account


class RosterAuthenticator(Authenticator):
    """Names and passwords of the roster; first log-in by invitation."""

    roster_file = Unicode(help="The roster, a TOML file.").tag(config=True)

    @property
    def roster(self) -> Roster:
        return Roster(Path(self.roster_file))

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> dict[str, Any]:
        """The account behind name and password; a refusal is a sentence on the log-in page."""
        try:
            account = await noted(Path(self.roster_file), handler, _name(data), partial(self.account_of, data))
        except Refused as refused:
            raise web.HTTPError(403, refused.sentence[language(handler)].replace("%", "%%")) from None
        except OSError as error:
            raise (no_room(handler) if is_full(error) else error) from None
        return auth_model(account)

    def account_of(self, data: dict[str, str]) -> Account:
        """Whose log-in page this was; a code of an invitation on it sets the password."""
        name, password = _name(data), data.get("password", "")
        if not (code := data.get("invitation", "").strip()):
            return self.roster.log_in(name, password)
        if self.roster.invited(code).name != name:
            raise Refused("This invitation is for somebody else.", "Cette invitation est au nom de quelqu’un d’autre.")
        return self.roster.redeem(code, password)

    async def refresh_user(self, user: Any, handler: BaseHandler | None = None, **_: Any) -> dict[str, Any] | bool:
        """What the roster says now: a change counts within minutes, somebody removed is out."""
        account = self.roster.accounts().get(user.name)
        return auth_model(account) if account else False

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        return [*super().get_handlers(app), (r"/invitation", InvitationHandler)]


def _name(data: dict[str, str]) -> str:
    return data.get("username", "").strip().lower()


class InvitationHandler(BaseHandler):
    """First log-in: the invitation says who, the person chooses a password."""

    async def get(self) -> None:
        """The form, or a sentence where the invitation is no good."""
        code = self.get_argument("code", "")
        try:
            account = self.authenticator.roster.invited(code)
        except Refused as refused:
            self.set_status(403)
            await self.show("", code, refused.sentence[language(self)])
            return
        await self.show(account.name, code)

    async def post(self) -> None:
        """Set the password and log in."""
        code, password = self.get_body_argument("code", ""), self.get_body_argument("password", "", strip=False)
        roster, name = self.authenticator.roster, ""
        try:
            name = roster.invited(code).name
            if password != self.get_body_argument("again", "", strip=False):
                raise Refused("The two passwords differ.", "Les deux mots de passe diffèrent.")
            account = await noted(Path(self.authenticator.roster_file), self, name, partial(roster.redeem, code, password))
        except Refused as refused:
            self.set_status(403)
            await self.show(name, code, refused.sentence[language(self)])
            return
        except OSError as error:
            raise (no_room(self) if is_full(error) else error) from None
        user = await self.auth_to_user(auth_model(account))
        self.set_login_cookie(user)
        self._jupyterhub_user = user
        self.redirect(self.get_next_url(user))

    async def show(self, name: str, code: str, refused: str = "") -> None:
        """The page; its script chooses the language."""
        xsrf = self.xsrf_token.decode("ascii")
        html = await self.render_template("invitation.html", person=name, code=code, refused=refused, xsrf=xsrf)
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(html)


# Package and class of the ways to log in that another institution's directory offers. They are not in the lock.
ELSEWHERE = {
    "oidc": ("oauthenticator", "oauthenticator.generic", "GenericOAuthenticator"),
    "lti": ("ltiauthenticator", "ltiauthenticator.lti13.auth", "LTI13Authenticator"),
}


def authenticator_class(login: str) -> type[Authenticator]:
    """The authenticator that the setting `login` names: roster, oidc or lti; WrongUse where its package is missing."""
    if login == "roster":
        return RosterAuthenticator
    if login not in ELSEWHERE:
        raise WrongUse(f"Expected the log-in roster, oidc or lti, found {login!r}.")
    package, module, name = ELSEWHERE[login]
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        raise WrongUse(
            f"Expected the package {package} for log-in by {login}, found it not installed: install it beside the academy, or log in by roster."
        ) from None


def by_roster(roster_file: Path) -> Any:
    """A hook for OIDC and LTI: groups and roles of the roster; who is not in it stays outside."""

    async def placed(authenticator: Authenticator, handler: BaseHandler, model: dict[str, Any]) -> dict[str, Any]:
        account = Roster(roster_file).accounts().get(model["name"])
        note_log_in(roster_file, handler, model["name"], LOGGED_IN if account else REFUSED)
        if account is None:
            raise web.HTTPError(403, "You are not on the roster of this academy. Ask your instructor to add you.")
        return model | auth_model(account)

    return placed
