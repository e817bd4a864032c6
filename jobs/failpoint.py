"""Places where a test may kill the process, to prove that the next start goes on as if nothing had happened."""

import os
import signal

VARIABLE = "PSCC_FAILPOINT"


def failpoint(name: str) -> None:
    """Kill this process without warning when PSCC_FAILPOINT names this place: no handler, no clean-up, as a power cut would."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
