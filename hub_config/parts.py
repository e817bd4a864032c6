"""The parts of the hub's configuration that depend on what is installed and built."""

import importlib
import importlib.util
import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

from courses.checking.bubblewrap import become, interpreter, read_only, system
from hub_config.place import PROJECT, Academy

# Nobody else's: no account of the machine has this number, and nothing belongs to it.
PROXY_UID = 64604


def proxy_command(academy: Academy) -> list[str]:
    """Node's configurable-http-proxy where the machine has it, else the one in Python; where root keeps the hub, as a user of its own."""
    room = _proxy_room(academy)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which("configurable-http-proxy", path=folder) if folder else None
        is_seen = found and (not room or Path(found).resolve().is_relative_to("/usr"))
        if found and is_seen and b"node" in Path(found).read_bytes()[:80] and shutil.which("node"):
            return [*room, found]
    # By itself this one ends an answer after 20 s: too soon for a first request on a busy machine.
    return [*room, sys.executable, "-c", "from configurable_http_proxy.cli import main; main()", "--proxy-timeout", "600000"]


def _proxy_room(academy: Academy) -> list[str]:
    """What stands before the one program to which everybody on the network speaks: with bubblewrap there is nothing behind it but programs."""
    # Only root may listen at a port below 1024.
    if os.geteuid() != 0 or academy.level == "none" or academy.port < 1024:
        return []
    if academy.level == "uid":
        return become(PROXY_UID)
    seen = ["--perms", "1777", "--tmpfs", "/tmp", *system(), *(word for prefix in interpreter() for word in read_only(prefix))]
    seen += ["--perms", "0755", "--dir", "/etc", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    seen += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--proc", "/proc", "--dev", "/dev", "--chdir", "/"]
    privileges = [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]
    alone = ["--unshare-pid", "--unshare-ipc", "--die-with-parent", "--cap-drop", "ALL", *privileges]
    return ["bwrap", *seen, *alone, "--", *become(PROXY_UID)]


def is_built(module: str) -> bool:
    """Whether a part of the academy is there to be started."""
    try:
        found = importlib.util.find_spec(module)
        return found is not None and (found.submodule_search_locations is None or is_built(f"{module}.__main__"))
    except ModuleNotFoundError:
        return False


def services(academy: Academy) -> list[dict[str, Any]]:
    """The academy service: portal pages and checks. Without it the hub runs all the same."""
    if not is_built("hub_config.portal"):
        return []
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PROJECT),
        "PSCC_ACADEMY": str(academy.to),
        "PSCC_COURSES": str(PROJECT / "courses"),
        "PSCC_STATE": str(academy.state),
        "PSCC_RELEASE_DIR": str(academy.release),
        "PSCC_RELEASE_NAME": academy.release_name,
        "LAKE_ROOT": str(academy.lake),
        "TMPDIR": str(academy.tmp),
        "PSCC_BARE_FUNCTIONS": "1" if academy.bare_functions else "",
    }
    environment |= {
        name: os.environ[name] for name in ("PSCC_ORIGIN", "PSCC_CHECKS_A_MINUTE", "PSCC_ACCESS_MONTHS") if os.environ.get(name)
    }
    return [
        {
            "name": "academy",
            "url": f"http://127.0.0.1:{academy.service_port}",
            "command": [sys.executable, "-m", "hub_config.portal"],
            "environment": environment,
            "oauth_no_confirm": True,
            # Where it is not there in time the hub ends: a busy machine takes longer than the hub's own 30 s.
            "timeout": 120,
            "display": True,
        }
    ]


def service_roles(academy: Academy) -> list[dict[str, Any]]:
    """What the academy service may ask the hub: who is there, in which group, and whether their server runs."""
    if not services(academy):
        return []
    return [{"name": "academy-service", "services": ["academy"], "scopes": ["list:users", "read:users", "read:servers"]}]


def spark_remote(academy: Academy, user: str) -> str:
    """Where this person's notebooks find the teaching engine; nothing where it is not installed."""
    if not is_built("hub_config.engine"):
        return ""
    engine = importlib.import_module("hub_config.engine")
    return str(engine.remote_for(academy.state / "engine", user, academy.engine_port))


def dress(hub: Any) -> None:
    """Sign-in and waiting pages as the portal draws them; the hub's own where there is no portal."""
    if is_built("hub_config.portal"):
        importlib.import_module("hub_config.portal.hub_pages").dress(hub)
    else:
        hub.template_paths = [str(PROJECT / "hub_config" / "templates")]


def login_settings(c: Any, academy: Academy) -> None:
    """Settings of OIDC or LTI from state/login.toml: a table for each class, as its own documentation names them."""
    path = academy.state / "login.toml"
    for name, settings in (tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}).items():
        for key, value in settings.items():
            setattr(c[name], key, value)
