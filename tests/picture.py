"""`python -m tests.picture REPORT.html PICTURE.webp`: the page as Chromium shows it, without its floating keys (`make pictures`)."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import parts
from tests.webp import webp

WIDTH, SCALE = 1100, 1.5


def main(report: Path, picture: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=parts.chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 800}, device_scale_factor=SCALE, color_scheme="light", bypass_csp=True
        )
        page.goto(report.resolve().as_uri())
        page.add_style_tag(content="#keys { display: none !important } body { padding-bottom: 0 !important }")
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(webp(browser, page.screenshot(full_page=True)))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
