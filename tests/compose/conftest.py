"""The stack for the tests of this folder: built, brought up, asked, taken away. `make compose-test` runs them."""

import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from jobs.simulate import simulate
from jobs.simulate.options import Answer, Dirt
from tests.compose import stack as stacks
from tests.compose.stack import Stack, built, delivery, loaded, until


@pytest.fixture(scope="session")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Three deliveries, one a hospital, and what must become of them; patients enough for a release to teach on."""
    return simulate(1_600, 1, 7, tmp_path_factory.mktemp("deliveries"), Dirt.none())


@pytest.fixture(scope="session")
def stack(answer: Answer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that docker-compose.yml starts by default, healthy; skips where no container engine runs."""
    if not stacks.engine_answers():
        pytest.skip("Expected a container engine, found none that answers `docker info`: start Docker, then `make compose-test`.")
    found = Stack(secrets(tmp_path_factory, answer), files())
    stacks.free(found)
    try:
        began = time.monotonic()
        found.compose("build", patience=3600)
        built = time.monotonic()
        found.compose("up", "--detach", "--wait")
        print(
            f"\nbuilt in {built - began:.0f} s, healthy after {time.monotonic() - built:.0f} s more", *found.versions(), sep="\n"
        )
        yield found
    finally:
        stacks.free(found)


@pytest.fixture(scope="session")
def gold(stack: Stack, answer: Answer) -> None:
    """All three hospitals in gold, whichever tests ran before."""
    sent = [delivery(answer, center) for center in ("gr", "curie", "aphp")]
    missing = [each for each in sent if stack.states().get(each.name) != "loaded"]
    for each in missing:
        stack.drop(each, answer.landing)
    for each in missing:
        until(partial(loaded, stack, each), 600, f"{each.name} is loaded")
    until(lambda: built(stack, 0), 600, "gold is built")


def secrets(tmp_path_factory: pytest.TempPathFactory, answer: Answer) -> Path:
    """What images/secrets.sh makes, and the register of the hospitals that delivered."""
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([stacks.PROJECT / "images/secrets.sh", folder], check=True, capture_output=True)
    (folder / "hospital_keys").write_bytes(answer.keys.read_bytes())
    (folder / "hospital_keys").chmod(0o444)
    return folder


def files() -> tuple[str, ...]:
    """docker-compose.yml, with stand-ins for the public images where these cannot be pulled."""
    alone = Stack(Path("secrets"), ("docker-compose.yml",))
    if not alone.compose("pull", "--quiet", *stacks.PUBLIC, check=False).returncode:
        return alone.files
    print("\nThe public images cannot be pulled here: stand-ins take their names.")
    if not stacks.STORE_BINARY.is_file():
        stacks.build_store()
    return (*alone.files, stacks.STAND_INS)
