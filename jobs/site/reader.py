"""The engine that analysts of a site ask: a bare Spark Connect server, of which this process notes who reads what.

Nobody stands in front of it who knows its clients: who asks is what a client says of itself, and a line says so.
"""

import json
import os
import signal
import subprocess
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from urllib.parse import urlsplit

from jobs import access
from jobs.errors import LakehouseError
from jobs.java import class_path, java_home
from jobs.ledger import now
from jobs.settings import Settings

# The listener of the curated engine of one machine, a text to this side. What its lines begin with.
SOURCE = Path(__file__).parents[2] / "hub_config" / "Reads.java"
TOLD = b"access "
# Reads.java has no package.
LISTENER = "Reads"


def compiled(settings: Settings) -> Path:
    """A folder with the classes of the listener, made by the compiler that Spark carries: there is no other in the image."""
    import pyspark
    from py4j.java_gateway import JavaGateway

    source = SOURCE.read_text(encoding="utf-8")
    gold = f"{urlsplit(settings.lake).path}/gold"
    for word, meant in (("@FOLDERS@", gold), ("@ZONE@", "gold")):
        source = source.replace(word, json.dumps(meant))
    jars = os.pathsep.join((f"{Path(pyspark.__file__).parent}/jars/*", class_path()))
    small = ["-Xmx256m", "-XX:TieredStopAtLevel=1"]
    gateway = JavaGateway.launch_gateway(classpath=jars, java_path=f"{java_home()}/bin/java", javaopts=small, die_on_exit=True)
    try:
        compiler = gateway.jvm.org.codehaus.janino.SimpleCompiler()
        compiler.cook(source)
        classes = {name: bytes(code) for name, code in compiler.getBytecodes().items()}
    finally:
        gateway.shutdown()
    folder = Path(mkdtemp(prefix="pscc-listener-"))
    for name, code in classes.items():
        (folder / f"{name}.class").write_bytes(code)
    return folder


def noted(command: list[str], environment: dict[str, str], log: Path) -> int:
    """Run an engine and note what it tells; its exit code. LakehouseError, and no engine any more, where that cannot be noted."""
    _note(log, [])
    program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        program.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        assert program.stdout
        for line in program.stdout:
            if line.startswith(TOLD):
                _note(log, [json.loads(line.removeprefix(TOLD))])
            else:
                os.write(1, line)
        return program.wait()
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()


def _note(log: Path, lines: list[dict[str, object]]) -> None:
    known = {"through": "curated-engine", "client": "", "claimed": True}
    try:
        if not (log / f"{now()[:10]}.jsonl").exists():
            access.forget(log, access.months())
        access.append(log, [known | line for line in lines])
    except OSError as error:
        raise LakehouseError(
            f"Expected to write the access log in {log}, found: {error.strerror}. The engine ends: nobody reads what is not noted."
        ) from None
