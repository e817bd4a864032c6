"""Where the service finds the release, the courses and its state, and how it is reached."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the hub hands to the service when it starts it."""

    release: Path
    courses: Path
    state: Path
    # The address to listen at, the path below which every page lies, and the path of the whole hub.
    url: str = "http://127.0.0.1:0"
    prefix: str = "/services/academy/"
    base: str = "/"
    # Where the pages are for the world, if that is fixed: badges then say where their revocation is published.
    origin: str = ""
    # Checks a trainee may ask for in a minute.
    checks_a_minute: int = 40
    # Whether functions of trainees are tried where no sandbox works: Python's own refusals are all that holds them then.
    bare_functions: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        return cls(
            release=Path(environment.get("PSCC_RELEASE_DIR") or environment["PSCC_RELEASE"]),
            courses=Path(environment["PSCC_COURSES"]),
            state=Path(environment.get("PSCC_STATE") or Path(environment["PSCC_ACADEMY"]) / "state"),
            url=environment.get("JUPYTERHUB_SERVICE_URL", cls.url),
            prefix=environment.get("JUPYTERHUB_SERVICE_PREFIX", cls.prefix),
            base=environment.get("JUPYTERHUB_BASE_URL", cls.base),
            origin=environment.get("PSCC_ORIGIN", cls.origin),
            bare_functions=environment.get("PSCC_BARE_FUNCTIONS", "") == "1",
            checks_a_minute=int(environment.get("PSCC_CHECKS_A_MINUTE", cls.checks_a_minute)),
        )
