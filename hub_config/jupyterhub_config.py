"""The hub's configuration, read from top to bottom. Each line sets; nothing is added to a list elsewhere.

Started by `pscc academy up`, which notes the settings in state/academy.json.
"""

import os

from hub_config.authenticator import authenticator_class, by_roster
from hub_config.parts import dress, login_settings, proxy_command, service_roles, services
from hub_config.place import Academy
from hub_config.spawner import KEPT, AcademySpawner

# Hub database, cookie secret and tokens are for the hub's account alone.
os.umask(0o077)
c = get_config()  # type: ignore[name-defined]  # noqa: F821
academy = Academy.from_environment()

c.JupyterHub.bind_url = f"http://{academy.listen}:{academy.port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{academy.hub_port}"
c.JupyterHub.db_url = f"sqlite:///{academy.state / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(academy.state / "cookie_secret")
dress(c.JupyterHub)
# Stopping the hub stops everything that it started.
c.JupyterHub.cleanup_servers = True
c.JupyterHub.cleanup_proxy = True

c.ConfigurableHTTPProxy.command = proxy_command(academy)
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{academy.proxy_api_port}"
c.ConfigurableHTTPProxy.pid_file = str(academy.state / "proxy.pid")

# The roster says who may come in, what they are and in which class; the hub keeps no list of its own.
c.JupyterHub.authenticator_class = authenticator_class(academy.login)
c.Authenticator.allow_all = True
c.Authenticator.admin_users = set()
c.Authenticator.manage_groups = True
c.Authenticator.manage_roles = True
c.Authenticator.auth_refresh_age = 60
c.Authenticator.refresh_pre_spawn = True
c.RosterAuthenticator.roster_file = str(academy.state / "roster.toml")
if academy.login != "roster":
    c.Authenticator.post_auth_hook = by_roster(academy.state / "roster.toml")
    login_settings(c, academy)

c.JupyterHub.spawner_class = AcademySpawner
# A whole class comes at one moment; who is one too many is asked to try again.
c.JupyterHub.concurrent_spawn_limit = 20
c.JupyterHub.allow_named_servers = False
c.AcademySpawner.academy_folder = str(academy.to)
c.AcademySpawner.env_keep = KEPT
c.AcademySpawner.start_timeout = 120
c.AcademySpawner.http_timeout = 120
c.AcademySpawner.poll_interval = 5
c.AcademySpawner.disable_user_config = False
# A server's own token may say that it is in use, be entered by its trainee, and ask for a check.
c.AcademySpawner.server_token_scopes = ["users:activity!user", "access:servers!server", "access:services!service=academy"]

c.JupyterHub.services = services(academy)
c.JupyterHub.load_roles = service_roles(academy)
# Figures for a monitoring system: only with the right read_metrics.
c.JupyterHub.authenticate_prometheus = True
