"""The dictionary as somebody uses it: by keyboard, wide and narrow, from a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.dictionary_page import write
from tests.browser.reader import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium in /usr/bin")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_column_is_found_by_keyboard_in_a_page_that_loads_nothing(
    chromium: "Browser", tmp_path: Path, scheme: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 844}).new_page()  # type: ignore[arg-type]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    place = write(tmp_path / "dictionary").as_uri()
    page.goto(place)
    page.keyboard.press("/")
    page.keyboard.type("delayed dated contact")
    assert page.locator("details[open] tbody tr:visible th").all_inner_texts() == ["entry_days"]
    assert page.inner_text("#found") == "1 table, 1 column"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.innerText").startswith("gold.endpoint")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    grave = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["target"]) for each in grave] == []

    page.goto(f"{place}#silver.person.sex")
    assert page.locator("details[open]").get_attribute("id") == "silver.person"
    page.fill("#search", "no such word")
    assert page.inner_text("#found").startswith("Nothing found")
    assert set(asked) <= {place, f"{place}#silver.person.sex"}
