"""What runs inside the sandbox: bounds first, then the trainee's function, case by case; what it gave back goes out as JSON.

It is handed the arguments only. The right results never enter the process, so nothing in it is worth forging.
"""

import contextlib
import importlib
import json
import os
import resource
import select
import sys
import time
from typing import Any

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def main(modules: str, wanted: str) -> None:
    """Loads what is slow to load, then waits for the one task that this process is for."""
    if modules:
        sys.path.insert(0, modules)
    from courses.checking import canonical

    # Only who waits anyway loads what few functions need.
    if wanted and not select.select([sys.stdin], [], [], 0)[0]:
        with contextlib.suppress(ImportError):
            importlib.import_module(wanted)
    # A blank before the answer says that everything is loaded.
    os.write(1, b" ")
    task = json.loads(sys.stdin.buffer.read() or b"null")
    if task is None:
        return
    # The function may print: only this handle leads to who asked.
    out = os.fdopen(os.dup(1), "w")
    silence = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(silence, handle)
    arguments = [[canonical.thaw_json(each) for each in case] for case in task["cases"]]
    _bound(task)
    json.dump(_run(task, arguments, canonical), out)
    out.flush()
    # Threads that the function left behind do not keep it alive.
    os._exit(0)


def _bound(task: dict[str, Any]) -> None:
    """Memory, time, files and processes; the first three hold for every process that is made from this one."""
    resource.setrlimit(resource.RLIMIT_DATA, (task["memory"], task["memory"]))
    used = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + task["seconds"], used + task["seconds"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (task["bytes"], task["bytes"]))
    resource.setrlimit(resource.RLIMIT_NPROC, (task["processes"], task["processes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if task["bare"]:
        _close_doors()


def _close_doors() -> None:
    """Without bubblewrap: no network where the kernel allows to leave it, and Python itself refuses what a function does not need.

    This stops mistakes, not an attack: an audit hook sees the calls that Python reports, and there are others (os.rename, os.remove, what
    a C module does by itself). So an academy tries no function where only this holds, unless it was told to; see docs/courses.md.
    """
    import ctypes

    ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)
    refused = (
        "socket.",
        "subprocess.",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "ctypes.",
        "os.kill",
        "os.listdir",
        "os.scandir",
    )
    readable = tuple({os.path.realpath(each) + os.sep for each in (sys.prefix, sys.base_prefix)})

    def door(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(refused):
            raise PermissionError(f"not allowed here: {event}")
        if event == "open" and not (isinstance(arguments[0], str) and os.path.realpath(arguments[0]).startswith(readable)):
            raise PermissionError("not allowed here: files")

    sys.addaudithook(door)


def _run(task: dict[str, Any], arguments: list[list[Any]], canonical: Any) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "answer"}
    try:
        exec(compile(task["source"], "answer", "exec"), space)
        function = space[task["name"]]
    except MemoryError:
        return {"memory": True}
    except BaseException as error:
        return (
            {"syntax": _said(error)}
            if isinstance(error, SyntaxError)
            else {"results": [{"error": _said(error)}] * len(arguments)}
        )
    return {"results": [_result(function, each, canonical) for each in arguments]}


def _result(function: Any, arguments: list[Any], canonical: Any) -> dict[str, Any]:
    try:
        return {"output": canonical.json_value(function(*arguments))}
    except MemoryError:
        return {"memory": True}
    except BaseException as error:
        return {"error": _said(error)}


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:200]
    except BaseException:
        return "an error that cannot be printed"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
