"""Make the pictures of `docs/` anew: `python tests/e2e/screenshots.py http://127.0.0.1:8080`, with the demo running."""

import json
import sys
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FOLDER = Path(__file__).resolve().parents[2] / "docs"
QUERY = "SliceThickness:>0 StudyDate:[1996 TO 2012]"
IMAGE = "sequences:RequestAttributesSequence Modality:(CT OR MR)"
DESKTOP, PHONE = (1280, 860), (390, 844)


def shoot(address: str) -> None:
    """Take all pictures of a running application."""
    with urlopen(f"{address}/api/search?size=1&q={quote(IMAGE)}") as answer:
        image = json.load(answer)["results"][0]["id"]
    pictures = (
        ("status", "/", DESKTOP, "light"),
        ("search", f"/search?q={quote(QUERY)}&filter=-Modality:=SEG", DESKTOP, "light"),
        ("search-studies", "/search?q=&level=study&filter=Modality:=MR&filter=Modality:=CT", DESKTOP, "dark"),
        ("headers", "/headers?q=slice", DESKTOP, "light"),
        ("search-error", "/search?q=Modality:CT+SliceThicknes:%3C%3D2", DESKTOP, "light"),
        ("search-phone", f"/search?q={quote(QUERY)}", PHONE, "dark"),
        ("image", f"/images/{image}", DESKTOP, "light"),
        ("image-dark", f"/images/{image}?find=sequence", DESKTOP, "dark"),
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, path, (width, height), scheme in pictures:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address + path)
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    shoot(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:8080")
