"""A browser's part: invitation, log-in, a server, and code that runs in its kernel."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect


@dataclass
class Visitor:
    """One person in front of a browser."""

    url: str
    language: str = "en"
    name: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Accept-Language"] = self.language

    def accept(self, invitation: str, password: str) -> requests.Response:
        """Follow an invitation and choose a password."""
        page = self.session.get(invitation)
        code = parse_qs(urlsplit(invitation).query)["code"][0]
        if named := re.search(r'name="username" value="([^"]+)"', page.text):
            self.name = named[1]
        form = {"code": code, "password": password, "again": password, "_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        return self.session.post(f"{self.url}/hub/invitation", data=form, allow_redirects=False)

    def log_in(self, name: str, password: str) -> requests.Response:
        """Fill in the log-in page."""
        self.session.get(f"{self.url}/hub/login")
        form = {"username": name, "password": password, "_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        self.name = name
        return self.session.post(f"{self.url}/hub/login", data=form, allow_redirects=False)

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask the hub's API as the person who is logged in."""
        headers = {"X-XSRFToken": self.session.cookies.get("_xsrf", path="/hub/") or "", "Referer": f"{self.url}/hub/home"}
        return self.session.request(
            method, f"{self.url}/hub/api{path}", headers=headers, **{"json": {} if method == "POST" else None} | more
        )

    def spawn(self, patience: float = 90) -> float:
        """Start one's server and wait for it; seconds it took."""
        started = time.monotonic()
        # A page of the hub brings the token that the next line needs.
        self.session.get(f"{self.url}/hub/home")
        answer = self.api("POST", f"/users/{self.name}/server")
        assert answer.status_code in (201, 202), answer.text
        while time.monotonic() - started < patience:
            server = self.api("GET", f"/users/{self.name}").json()["servers"].get("", {})
            if server.get("ready"):
                # Walks through OAuth once, so that the server knows the browser.
                self.session.get(f"{self.url}/user/{self.name}/lab/tree/", allow_redirects=True)
                return time.monotonic() - started
            time.sleep(0.3)
        raise TimeoutError(f"no server for {self.name}")

    def server(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask one's own server's API."""
        base = f"/user/{self.name}/"
        headers = {"X-XSRFToken": self.session.cookies.get("_xsrf", path=base) or "", "Referer": f"{self.url}{base}lab"}
        return self.session.request(method, f"{self.url}{base}api{path}", headers=headers, **more)

    def run(self, *cells: str, patience: float = 60) -> str:
        """What cells print, one after the other, in a new kernel of one's own server; the rest is not run after one that fails."""
        kernel = self.server("POST", "/kernels", json={"name": "python3"})
        assert kernel.status_code == 201, kernel.text
        identity = kernel.json()["id"]
        try:
            return asyncio.run(self._run(identity, cells, patience))
        finally:
            self.server("DELETE", f"/kernels/{identity}")

    async def _run(self, kernel: str, cells: Sequence[str], patience: float) -> str:
        url = f"{self.url.replace('http', 'ws')}/user/{self.name}/api/kernels/{kernel}/channels"
        cookie = "; ".join(f"{one.name}={one.value}" for one in self.session.cookies if one.path in ("/", f"/user/{self.name}/"))
        socket = await websocket_connect(HTTPRequest(url, headers={"Cookie": cookie, "Origin": self.url}), ping_interval=30)
        printed = ""
        try:
            for cell in cells:
                said, failed = await self._say(socket, cell, patience)
                printed += said
                if failed:
                    break
        finally:
            socket.close()
        return printed

    async def _say(self, socket: WebSocketClientConnection, cell: str, patience: float) -> tuple[str, bool]:
        """What one cell prints, or its traceback, and whether it failed."""
        message = str(uuid.uuid4())
        header = {"msg_id": message, "msg_type": "execute_request", "username": "", "session": message, "version": "5.3"}
        content = {"code": cell, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        await socket.write_message(
            json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
        )
        printed, failed = "", False
        while said := await asyncio.wait_for(socket.read_message(), patience):
            heard = json.loads(said)
            if heard["parent_header"].get("msg_id") != message:
                continue
            printed += heard["content"].get("text", "") if heard["msg_type"] == "stream" else ""
            printed += "\n".join(heard["content"].get("traceback", []))
            failed = failed or heard["msg_type"] == "error"
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                break
        return printed, failed
