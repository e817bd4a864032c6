"""The portal as people see it: every page in a real browser, in both languages, examined with axe, and nothing from another host."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub_config.roster import Roster
from tests.browser.reader import CHROMIUM, HOME, Reader
from tests.hub_config import portal_world
from tests.hub_config.portal_world import Hub

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium in /usr/bin")
PUBLIC = ("", "verify", "accessibility", "nowhere")
TRAINEE = ("home", "courses/survival", "data", "data/tables/edu_survival", "progress", "badges")
INSTRUCTOR = ("class?course=survival",)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = portal_world.make(tmp_path_factory.mktemp("academy"), ("marie", "amina"))
    portal_world.work(folder)
    with portal_world.hub(folder) as running:
        yield running


def examine(reader: Reader, pages: tuple[str, ...], language: str) -> None:
    for path in pages:
        reader.open(path)
        assert reader.faults(language) == [], path
        name = re.sub(r"\W+", "-", path) or "landing"
        reader.keep_picture(f"{name}-{language}")
    assert reader.other_hosts == set()


@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "light", 1280), ("fr", "dark", 390)])
def test_every_page_can_be_used_by_everybody(hub: Hub, chromium: "Browser", language: str, scheme: str, width: int) -> None:
    door = Reader(hub, chromium, language, scheme, width)
    examine(door, (*PUBLIC, f"{hub.url}/hub/login", f"{hub.url}/hub/nowhere"), language)
    examine(Reader(hub, chromium, language, scheme, width).sign_in("amina"), TRAINEE, language)
    examine(Reader(hub, chromium, language, scheme, width).sign_in("marie"), INSTRUCTOR, language)


def test_a_fault_on_a_page_would_be_found(hub: Hub, chromium: "Browser") -> None:
    reader = Reader(hub, chromium)
    reader.open("accessibility")
    reader.page.evaluate("document.querySelector('main').innerHTML += '<input type=text><p id=pale>pale</p>'")
    reader.page.evaluate("document.getElementById('pale').style.color = '#ddd'")
    assert {finding.partition(":")[0] for finding in reader.grave_findings()} == {"label", "color-contrast"}


def test_an_invitation_leads_to_a_password_and_to_the_courses(hub: Hub, chromium: "Browser") -> None:
    code = Roster(hub.folder / "state" / "roster.toml").reset("hugo")
    hugo = Reader(hub, chromium, "fr")
    examine(hugo, (f"{hub.url}/hub/invitation?code={code}",), "fr")
    hugo.choose_password("une phrase longue", "une phrase longue")
    hugo.page.wait_for_url(HOME)
    assert "Bonjour hugo" in hugo.text


def test_a_wrong_password_is_said_and_announced(hub: Hub, chromium: "Browser") -> None:
    lea = Reader(hub, chromium)
    lea.open(f"{hub.url}/hub/login")
    lea.page.fill("#username_input", "lea")
    lea.page.fill("#password_input", "not this one")
    lea.page.click("#login_submit")
    assert lea.page.inner_text("[role=alert]").strip().endswith(".")
    assert lea.grave_findings() == []


def test_a_badge_goes_from_the_last_exercise_to_whoever_verifies_it(hub: Hub, chromium: "Browser", tmp_path: Path) -> None:
    amina = Reader(hub, chromium).sign_in("amina")
    badge = amina.take_badge("Amina Bensalem", tmp_path / "badge.json")
    assert amina.grave_findings() == []
    stranger = Reader(hub, chromium, "fr")
    stranger.verify(badge)
    assert "Ce badge est authentique" in stranger.text
    assert "Amina Bensalem" in stranger.text
    assert stranger.grave_findings() == []
    stranger.page.fill("textarea", badge.read_text("utf-8").replace("Amina", "Ambre"))
    stranger.page.click("form button")
    stranger.page.wait_for_selector("[role=alert]")
    assert "modifié après sa signature" in stranger.text
    assert stranger.grave_findings() == []
    marie = Reader(hub, chromium, "fr").sign_in("marie")
    marie.open("class?course=survival")
    marie.page.check("#revoke-sure")
    assert marie.grave_findings() == []
    marie.page.click("section:has(#revoke) button")
    marie.page.wait_for_selector("[role=status]")
    assert "est révoqué" in marie.text
    stranger.page.set_input_files("[name=file]", badge)
    stranger.page.fill("textarea", "")
    stranger.page.click("form button")
    stranger.page.wait_for_selector("text=Le nom inscrit était faux.")
    assert "Ce badge a été révoqué" in stranger.text
    assert stranger.grave_findings() == []
    assert marie.other_hosts == stranger.other_hosts == amina.other_hosts == set()


def test_an_instructor_gives_a_fresh_start_by_keyboard(hub: Hub, chromium: "Browser") -> None:
    marie = Reader(hub, chromium).sign_in("marie")
    marie.open("class?course=survival")
    marie.page.keyboard.press("Tab")
    assert marie.page.inner_text(":focus") == "Skip to content"
    marie.page.keyboard.press("Enter")
    stuck_before = marie.page.locator("text=Reset >> visible=true").count()
    marie.page.locator("button[aria-label^='Reset ']").first.focus()
    marie.page.keyboard.press("Enter")
    marie.page.wait_for_selector("[role=status]")
    assert "starts afresh" in marie.text
    assert marie.page.locator("text=Reset >> visible=true").count() == stuck_before - 1


def test_the_language_is_switched_on_the_page_and_on_the_sign_in_page(hub: Hub, chromium: "Browser") -> None:
    reader = Reader(hub, chromium)
    reader.open("verify")
    reader.page.click("a[hreflang=fr]")
    assert reader.page.get_attribute("html", "lang") == "fr"
    reader.open(f"{hub.url}/hub/login")
    assert "Mot de passe" in reader.text
    assert "Password" not in reader.text
    reader.page.click("[data-tongue=en]")
    assert "Password" in reader.text
    reader.open("accessibility")
    assert reader.page.get_attribute("html", "lang") == "en"
