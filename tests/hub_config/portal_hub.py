"""The hub of the portal's tests: the same sign-in, pages and service as the real one, without sandboxes."""

import os
import sys
from pathlib import Path

from hub_config.authenticator import RosterAuthenticator
from hub_config.portal import hub_pages

c = get_config()  # type: ignore[name-defined]  # noqa: F821
folder = Path(os.environ["PORTAL_FOLDER"])
front, proxy, hub, service = map(int, os.environ["PORTAL_PORTS"].split(","))
c.JupyterHub.bind_url = f"http://127.0.0.1:{front}"
c.JupyterHub.hub_port = hub
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.should_start = True
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.authenticator_class = RosterAuthenticator
c.RosterAuthenticator.roster_file = str(folder / "state" / "roster.toml")
c.Authenticator.allow_all = True
c.Authenticator.manage_groups = True
c.Authenticator.manage_roles = True
c.JupyterHub.spawner_class = "simple"
hub_pages.dress(c.JupyterHub)
c.JupyterHub.services = [
    {
        "name": "academy",
        "url": f"http://127.0.0.1:{service}",
        "command": [sys.executable, "-m", "hub_config.portal"],
        "oauth_no_confirm": True,
        "timeout": 120,
        "environment": {
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "PSCC_RELEASE_DIR": str(folder / "lake" / "teaching" / "r1"),
            "PSCC_COURSES": str(folder / "courses"),
            "PSCC_STATE": str(folder / "state"),
            "PSCC_CHECKS_A_MINUTE": os.environ.get("PSCC_CHECKS_A_MINUTE", "40"),
        },
    },
    {"name": "stranger", "api_token": os.environ["PORTAL_STRANGER"]},
]
