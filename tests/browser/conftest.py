"""The browser of these tests: Debian's chromium, started once for a module."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.reader import ARGUMENTS, CHROMIUM


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()
