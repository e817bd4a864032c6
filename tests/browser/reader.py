"""Somebody in front of a browser: what they do on the pages, and what is wrong with the page before them."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.hub_config.portal_world import PASSWORD, Hub

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE = 120_000
HOME = re.compile(r"/services/academy/home$")


class Reader:
    """Somebody with a browser of their own; every address that it asks for is noted."""

    def __init__(
        self, hub: Hub, chromium: "Browser", language: str = "en", scheme: str = "light", width: int = 1280, height: int = 844
    ) -> None:
        self.hub = hub
        self.context = chromium.new_context(
            locale=language, color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce"
        )
        self.context.set_default_timeout(PATIENCE)
        self.asked: list[str] = []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page = self.context.new_page()

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.hub.portal + path)

    def sign_in(self, name: str, password: str = PASSWORD) -> "Reader":
        self.open("home")
        self.page.fill("#username_input", name)
        self.page.fill("#password_input", password)
        self.page.click("#login_submit")
        self.page.wait_for_url(HOME)
        return self

    def choose_password(self, password: str, again: str) -> None:
        """Fill in the page of an invitation."""
        self.page.fill("#password_input", password)
        self.page.fill("#again_input", again)
        self.page.click("#login_submit")

    def take_badge(self, holder: str, to: Path) -> Path:
        """Have the badge of the one course that is finished issued, and download it."""
        self.open("badges")
        self.page.fill("[name=holder]", holder)
        self.page.click("form.stack button")
        self.page.wait_for_selector("[role=status]")
        with self.page.expect_download() as coming:
            self.page.click("a[download]")
        coming.value.save_as(to)
        return to

    def verify(self, badge: Path) -> None:
        """Have a badge verified by its file."""
        self.open("verify")
        self.page.set_input_files("[name=file]", badge)
        self.page.click("form button")
        self.page.wait_for_selector("[role=status], [role=alert]")

    @property
    def text(self) -> str:
        return str(self.page.inner_text("body"))

    @property
    def other_hosts(self) -> set[str]:
        hosts = {urlsplit(url).hostname for url in self.asked if url.startswith(("http", "ws"))}
        return {str(host) for host in hosts} - {"127.0.0.1", "localhost"}

    def faults(self, language: str) -> list[str]:
        """What is wrong with the page for a reader of that language: its language, its heading, its width, and what axe finds."""
        found = []
        if (told := self.page.get_attribute("html", "lang")) != language:
            found.append(f"the page says that it is in {told}")
        if (headings := self.page.locator("h1").count()) != 1:
            found.append(f"{headings} main headings")
        if self.overflow():
            found.append(f"{self.overflow()} pixels wider than the window")
        return found + self.grave_findings()

    def grave_findings(self, within: str | None = None) -> list[str]:
        """What axe finds wrong on this page, or in one part of it, and calls serious or critical."""
        from axe_playwright_python.sync_playwright import Axe

        violations = Axe().run(self.page, context=within).response["violations"]
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in violations
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def keep_picture(self, name: str) -> None:
        """A picture of the page in the folder PSCC_SHOTS, where that is set."""
        if folder := os.environ.get("PSCC_SHOTS"):
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
