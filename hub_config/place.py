"""Where an academy keeps its things, and what it was started with."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from courses.checking.private import write_private
from hub_config.errors import WrongUse

PROJECT = Path(__file__).resolve().parent.parent
SOCKETS = "pscc-hub-"


@dataclass(frozen=True)
class Academy:
    """One academy: its folder, the release it teaches on, its ports and its level of isolation."""

    to: Path
    lake: Path
    release_name: str
    level: str
    port: int = 8000
    hub_port: int = 8081
    proxy_api_port: int = 8001
    service_port: int = 8090
    engine_port: int = 15002
    login: str = "roster"
    # Bounds of one trainee's server; idle_minutes is how long it may stand unused.
    memory_mb: int = 1536
    processes: int = 256
    file_mb: int = 256
    home_mb: int = 1024
    idle_minutes: float = 60
    listen: str = "127.0.0.1"
    # Whether functions of trainees are tried without a sandbox where none works.
    bare_functions: bool = False

    @property
    def state(self) -> Path:
        """Hub database, secrets and roster: for the operator's account alone."""
        return self.to / "state"

    @property
    def homes(self) -> Path:
        return self.to / "homes"

    @property
    def built(self) -> Path:
        """Lessons as trainees get them, built/<course>/trainee/*.ipynb, beside their solutions: the hub makes the copies."""
        return self.to / "built"

    @property
    def log(self) -> Path:
        return self.to / "log"

    @property
    def tmp(self) -> Path:
        """What the academy service needs for a moment; it goes with `down`, also where the service could not clear up itself."""
        return self.to / "tmp"

    @property
    def channels(self) -> Path:
        """Names the folder of the bridge's sockets, which lies elsewhere."""
        return self.state / "channels"

    @property
    def release(self) -> Path:
        return self.lake / "teaching" / self.release_name

    @property
    def shown(self) -> Path:
        """The release as servers get it: at level uid a copy, so that who has no sandbox needs no way into the lake."""
        return self.to / "release" / self.release_name if self.level == "uid" else self.release

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.listen in ("", "0.0.0.0") else self.listen
        return f"http://{host}:{self.port}"

    @property
    def check_url(self) -> str:
        # Straight to the service: nothing else of the proxy is needed from inside.
        return f"http://127.0.0.1:{self.service_port}/services/academy/api"

    def make_folders(self) -> None:
        """state, homes, built, log and tmp; homes may be passed through, not listed."""
        private = ((folder, 0o700) for folder in (self.state, self.built, self.log))
        for folder, mode in ((self.to, 0o755), (self.homes, 0o711), (self.tmp, 0o711), *private):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)

    def write(self) -> None:
        """Note the settings in state/academy.json, from which the hub reads them."""
        text = json.dumps(asdict(self), default=str, indent=2)
        write_private(self.state / "academy.json", text + "\n")

    @classmethod
    def read(cls, to: Path) -> "Academy":
        """The academy in this folder; WrongUse where none was started."""
        try:
            said = json.loads((to / "state" / "academy.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WrongUse(f"Expected an academy in {to}, found none: start one with `pscc academy up --to {to}`.") from None
        return cls(**said | {"to": Path(said["to"]), "lake": Path(said["lake"])})

    @classmethod
    def from_environment(cls) -> "Academy":
        """The academy that PSCC_ACADEMY names; for the processes that `up` starts."""
        if "PSCC_ACADEMY" not in os.environ:
            raise WrongUse("Expected PSCC_ACADEMY to name the academy's folder, found it unset: start it with `pscc academy up`.")
        return cls.read(Path(os.environ["PSCC_ACADEMY"]))
