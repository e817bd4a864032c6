"""The proxy, to which everybody on the network speaks, where root keeps the hub."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hub_config.parts import PROXY_UID, proxy_command
from hub_config.place import Academy


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("bwrap") is None, reason="only root gives the proxy a user; with bubblewrap a room"
)
def test_root_s_proxy_is_somebody_else_who_sees_programs_alone(tmp_path: Path) -> None:
    port, api = free_port(), free_port()
    command = proxy_command(Academy(tmp_path, tmp_path / "lake", "r1", "airgap"))
    words = [*command, "--ip", "127.0.0.1", "--port", str(port), "--api-ip", "127.0.0.1", "--api-port", str(api)]
    proxy = subprocess.Popen(words, env=os.environ | {"CONFIGPROXY_AUTH_TOKEN": "x" * 32}, cwd=tmp_path)
    try:
        until = time.monotonic() + 60
        while not [each for each in psutil.net_connections("tcp") if each.laddr.port == port and each.status == "LISTEN"]:
            assert proxy.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        itself = next(each for each in psutil.Process(proxy.pid).children(recursive=True) if each.name() != "bwrap")
        assert itself.uids().real == PROXY_UID
        root = Path(f"/proc/{itself.pid}/root")
        assert (root / "usr").is_dir()
        assert not [path for path in ("root/.bashrc", "home", "var", str(tmp_path).lstrip("/")) if (root / path).exists()]
    finally:
        proxy.terminate()
        proxy.wait(10)
    _, alive = psutil.wait_procs([itself], timeout=10)
    assert not alive


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's proxy is that user")
@pytest.mark.parametrize(("level", "port", "is_another"), [("uid", 8000, True), ("none", 8000, False), ("airgap", 443, False)])
def test_a_proxy_stays_root_only_where_nobody_is_kept_apart_or_only_root_may_listen(
    tmp_path: Path, level: str, port: int, is_another: bool
) -> None:
    words = proxy_command(Academy(tmp_path, tmp_path / "lake", "r1", level, port))
    assert (f"--reuid={PROXY_UID}" in words) == is_another
    assert is_another or words[0] in (sys.executable, shutil.which("configurable-http-proxy"))
