"""Starts a program of a container, once its settings are right. `{{name}}` in a variable stands for the secret of that name, a file in /run/secrets."""

import os
import re
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from jobs.errors import WrongUse
from jobs.settings import validate
from jobs.settings.values import KNOWN

SECRETS = Path("/run/secrets")
NAMED = re.compile(r"{{(\w+)}}")


def filled(environment: Mapping[str, str], secrets: Path = SECRETS) -> dict[str, str]:
    """The environment with the secrets that it names, without empty settings; WrongUse where a secret cannot be read."""
    # Docker sets what a site leaves out to nothing. To us that is unset, to libraries it may be a value.
    told = {name: value for name, value in environment.items() if value or name not in KNOWN}
    return {name: NAMED.sub(partial(_secret, secrets, name), value) for name, value in told.items()}


def _secret(secrets: Path, variable: str, named: re.Match[str]) -> str:
    file = secrets / named[1]
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise WrongUse(
            f"Expected the secret {file.name} for {variable} in {file.parent}, found no readable file: make it with `images/secrets.sh`, "
            "and let the service have it in docker-compose.yml."
        ) from None


def main(command: list[str]) -> None:
    """Become the program."""
    try:
        environment = filled(os.environ)
        validate(environment)
    except WrongUse as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main(sys.argv[1:])
