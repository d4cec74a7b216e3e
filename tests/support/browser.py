"""A headless Chromium for tests of pages: a new profile, no network of its own, and everything that it complains of."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--hide-scrollbars",
)


def needed() -> tuple[str, str]:
    """Chromium and its driver. Skips the test where they are not installed, or fails it where nothing may be missing."""
    found = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if found[0] and found[1]:
        return found[0], found[1]
    missing = "chromium and chromedriver are not installed"
    if os.environ.get("HYBRID_REQUIRE_SYSTEM") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@contextlib.contextmanager
def browser(profile: Path, width: int = 1400, height: int = 1000, *, dark: bool = False) -> Iterator[Chrome]:
    """``profile`` is an empty folder. The driver writes down what the page asks of the network, and what it logs."""
    chromium, driver = needed()
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        # The window of a headless browser has borders, and is never narrower than 500.
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield chrome
    finally:
        chrome.quit()
