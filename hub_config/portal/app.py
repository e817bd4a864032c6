"""The service: its addresses, and how it is started."""

import logging
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from tornado.httpserver import HTTPServer
from tornado.web import Application, StaticFileHandler

from hub_config.portal import api, badges, pages, teach
from hub_config.portal.academy import Academy
from hub_config.portal.settings import Settings

HERE = Path(__file__).parent
LARGEST_BODY = 8_000_000
NAME = "([a-z][a-z0-9_-]{0,60})"


class Callback(HubOAuthCallbackHandler):
    """Where the hub sends a reader back to after sign-in."""

    @property
    def hub_auth(self) -> Any:
        return self.settings["hub_auth"]


class Static(StaticFileHandler):
    """The style sheet and the mark."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")


def application(settings: Settings, hub_auth: HubOAuth) -> Application:
    """Every page and every address of the API."""
    routes = [
        ("", pages.Landing),
        ("home", pages.Home),
        (f"courses/{NAME}", pages.CoursePage),
        ("data", pages.Data),
        (f"data/tables/{NAME}", pages.DataTable),
        ("data/files/([a-z.]+)", pages.DataFile),
        ("progress", pages.Progress),
        ("badges", badges.Badges),
        (f"badges/{NAME}/issue", badges.Issue),
        (f"badges/{NAME}/download", badges.Download),
        ("badges/revoked.json", badges.Revoked),
        ("verify", badges.Verify),
        ("verify/key", badges.PublicKey),
        ("verify/([A-Za-z0-9_-]{8,80})", badges.VerifyLink),
        ("class", teach.Class),
        ("class/reset", teach.Reset),
        ("class/revoke", teach.Revoke),
        ("class/invite", teach.Invite),
        ("class/invite-again", teach.InviteAgain),
        ("class/list.csv", teach.ExportList),
        ("class/progress.csv", teach.Export),
        ("accessibility", pages.Accessibility),
        ("language/(en|fr)", pages.ChooseLanguage),
        ("oauth_callback", Callback),
        ("api/check", api.Check),
        ("api/seed", api.Seed),
        ("api/progress", api.MyProgress),
        ("api/reset", api.Reset),
        ("api/health", api.Health),
        ("api/.*", api.Nowhere),
    ]
    return Application(
        [
            *((settings.prefix + path, handler) for path, handler in routes),
            (settings.prefix + "static/(.*)", Static, {"path": str(HERE / "static")}),
        ],
        default_handler_class=pages.NotFound,
        academy=Academy(settings),
        hub_auth=hub_auth,
        rate_limit=api.RateLimit(settings.checks_a_minute),
        turns=api.Turns(),
        templates=pages.templates(),
        # Drawn anew at every start: a reader who is signed in at the hub notices nothing.
        cookie_secret=secrets.token_bytes(32),
        xsrf_cookies=True,
    )


def serve(settings: Settings) -> Academy:
    """Listen, and give back what is served; the courses and the release are read first, so that a fault in them is seen at once."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    app = application(settings, HubOAuth.instance())
    academy: Academy = app.settings["academy"]
    academy.checking  # noqa: B018
    server = HTTPServer(app, xheaders=True, max_body_size=LARGEST_BODY)
    address = urlsplit(settings.url)
    server.listen(address.port or 0, address.hostname or "127.0.0.1")
    return academy
