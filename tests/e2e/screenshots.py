"""Make the pictures of `docs/` anew: `python tests/e2e/screenshots.py http://127.0.0.1:8080`, with the demo running.

It saves some searches under their names, and takes them back in the end.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from PIL import Image
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FOLDER = Path(__file__).resolve().parents[2] / "docs"
QUERY = "SliceThickness:>0 StudyDate:[1996 TO 2012]"
IMAGE = "sequences:RequestAttributesSequence Modality:(CT OR MR)"
DESKTOP, PHONE = (1280, 860), (390, 844)
COLOURS = 192  # in the palette of a picture: more is not seen, and costs three times the bytes
SAVED = (
    {"name": "Thin CT of the chest", "q": "Modality:CT chest", "filter": ["SliceThickness:<=1.25"]},
    {"name": "MR with a contrast agent", "q": "Modality:MR ContrastBolusAgent:*", "level": "series"},
    {"name": "Studies without a date", "q": "NOT StudyDate:*", "level": "study", "sort": "PatientName"},
)


def ask(address: str, body: object = None, method: str = "GET") -> dict[str, object]:
    """Ask the API."""
    data = json.dumps(body).encode() if body else None
    request = Request(address, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request) as answer:
        content = answer.read()
    return json.loads(content) if content else {}


@contextmanager
def saved_searches(address: str) -> Iterator[None]:
    """Save searches for a while; those whose names are taken stay as they are."""
    saved = []
    for one in SAVED:
        try:
            saved.append(ask(f"{address}/api/saved-searches", one, "POST")["id"])
        except HTTPError as error:
            if error.code != 409:
                raise
    yield
    for name in saved:
        ask(f"{address}/api/saved-searches/{name}", method="DELETE")


def shoot(address: str) -> None:
    """Take all pictures of a running application."""
    found = ask(f"{address}/api/search?size=1&q={quote(IMAGE)}")
    image = f"/images/{found['results'][0]['id']}"  # type: ignore[index]
    search = f"/search?q={quote(QUERY)}"
    studies = "/search?q=&level=study&filter=Modality:=MR&filter=Modality:=CT"
    pictures = (
        ("status", "/", DESKTOP, "light"),
        ("search", f"{search}&filter=-Modality:=SEG", DESKTOP, "light"),
        ("search-studies", studies, DESKTOP, "dark"),
        ("search-error", "/search?q=Modality:CT+SliceThicknes:%3C%3D2", DESKTOP, "light"),
        ("search-phone", search, PHONE, "light"),
        ("search-phone-dark", search, PHONE, "dark"),
        ("headers", "/headers?q=slice", DESKTOP, "light"),
        ("image", f"{image}?q={quote(IMAGE)}", DESKTOP, "light"),
        ("image-dark", f"{image}?q={quote(IMAGE)}#header", DESKTOP, "dark"),
        ("image-phone", image, PHONE, "light"),
        ("image-phone-dark", image, PHONE, "dark"),
        ("saved-searches", "/saved-searches", DESKTOP, "light"),
    )
    with saved_searches(address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, path, (width, height), scheme in pictures:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address + path)
            page.goto(address + path, wait_until="networkidle")  # again, so that times are those of an archive in use
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            few = picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            few.save(FOLDER / f"{name}.png", optimize=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    shoot(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:8080")
