"""The page in a real browser: headless Chromium, narrow and wide, light and dark."""

import base64
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from tests.dashboards import samples

from worthwhile_dashboards.report import Report, render_html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="needs Chromium and its driver: apt-get install chromium chromium-driver",
)

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

WIDER_THAN_THE_SCREEN = """
return [...document.querySelectorAll("body *")]
  .filter(e => !e.closest("thead, pre") && e.getBoundingClientRect().right > window.innerWidth + 0.5)
  .map(e => e.outerHTML.slice(0, 120));
"""

# WCAG 2.2, "relative luminance" and "contrast ratio"; every text on its own background, and the text of drawings.
CONTRASTS = """
const channels = c => c.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b]
  .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const background = e => {
  for (; e; e = e.parentElement) {
    const c = channels(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || e.closest("title")) continue;
  const style = getComputedStyle(e);
  const [a, b] = [luminance(channels(e.closest("svg") ? style.fill : style.color)), luminance(background(e))];
  found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), walker.currentNode.data.trim().slice(0, 60)]);
}
return found;
"""


@dataclass
class Browser:
    driver: webdriver.Chrome
    folder: Path

    def show(self, name: str, report: Report, width: int, scheme: str) -> None:
        """Open the page of a report; SCREENSHOTS=folder keeps a picture of it."""
        emulate = self.driver.execute_cdp_cmd
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        emulate("Emulation.setDeviceMetricsOverride", screen)
        emulate("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        page = self.folder / f"{name}.html"
        page.write_text(render_html(report, periods=("7d", "30d", "90d")), encoding="utf-8")
        self.driver.get(page.as_uri())
        if pictures := os.environ.get("SCREENSHOTS"):
            height = self.run("return document.documentElement.scrollHeight")
            clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
            shot = emulate("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            (Path(pictures) / f"{name}-{width}-{scheme}.png").write_bytes(base64.b64decode(shot["data"]))

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield Browser(driver, folder)
    finally:
        driver.quit()


@pytest.fixture(params=["rich", "empty"])
def page(request: pytest.FixtureRequest) -> tuple[str, Report]:
    return request.param, samples.rich_report() if request.param == "rich" else samples.empty_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_page_fits_and_is_legible(browser: Browser, page: tuple[str, Report], width: int, scheme: str) -> None:
    browser.show(*page, width, scheme)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(WIDER_THAN_THE_SCREEN) == []
    contrasts = browser.run(CONTRASTS)
    assert contrasts
    assert [text for ratio, text in contrasts if ratio < 4.5] == []
    assert browser.driver.get_log("browser") == []


def test_dark_is_dark(browser: Browser, page: tuple[str, Report]) -> None:
    colours = []
    for scheme in ("light", "dark"):
        browser.show(*page, 1280, scheme)
        colours.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(16, 20, 24)"]


def test_names_of_workloads_do_not_run(browser: Browser) -> None:
    browser.show("rich", samples.rich_report(), 1280, "light")
    assert browser.run("return document.scripts.length") == 0
    assert samples.HOSTILE_NAME[:25] in browser.run("return document.body.innerText")


def test_page_loads_nothing_but_itself(browser: Browser) -> None:
    browser.show("rich", samples.rich_report(), 1280, "light")
    assert browser.run("return performance.getEntriesByType('resource').map(e => e.name)") == []


def test_comparison_is_a_table_when_wide_and_cards_when_narrow(browser: Browser) -> None:
    displays = []
    for width in (1280, 390):
        browser.show("rich", samples.rich_report(), width, "light")
        displays.append(browser.run("return getComputedStyle(document.querySelector('.comparison tr td')).display"))
    assert displays == ["table-cell", "flex"]
