"""The built site: readable anywhere, from this server alone, with no link that leads nowhere."""

import gzip
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlparse

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 1_000_000  # bytes of a page as gzip transfers it, before anybody does something
AXE = "axe-core@4.10.3"
NAMES = (
    "index playground 01_data 07_attention 11_bug_clinic results teaching glossary api solutions/09_scores"
)
SHOWN = [f"{name}.html" for name in NAMES.split()]
CHECKED = ["index.html", "playground.html", "01_data.html", "results.html"]  # each kind of page


class Page(HTMLParser):
    """What a page links to, its anchors, and its pictures."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.pictures = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors.add(found.get("id"))
        if tag == "img":
            self.pictures.append(found.get("alt"))
        for name in ("href", "src"):
            if tag in ("a", "img", "script", "link") and found.get(name):
                self.links.append(found[name])


@pytest.fixture(scope="module")
def pages(site):
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    return {str(path.relative_to(site)): Page(path.read_text(encoding="utf-8")) for path in found}


def test_no_link_within_the_site_leads_nowhere(pages, site):
    broken = []
    for name, page in pages.items():
        for link in page.links:
            target = urlparse(urljoin(f"http://here/{name}", link))
            if target.netloc != "here" or link.startswith("data:"):
                continue
            path = unquote(target.path).lstrip("/") or "index.html"
            if not (site / path).is_file():
                broken.append(f"{name} -> {link}")
            elif target.fragment and path in pages and not name.startswith(("genindex", "search")):
                known = pages[path].anchors | ({target.fragment} if path == "playground.html" else set())
                if target.fragment not in known:
                    broken.append(f"{name} -> {link} (no such place)")
    assert broken == []


def test_every_picture_has_words_for_those_who_cannot_see_it(pages):
    assert [name for name, page in pages.items() for alt in page.pictures if not (alt or "").strip()] == []


def test_every_lesson_and_its_solutions_are_there_and_can_be_downloaded(pages, site):
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        assert f"{path.stem}.html" in pages and f"solutions/{path.stem}.html" in pages
        assert (site / "files" / path.name).read_bytes() == path.read_bytes()
        assert f"files/{path.name}" in pages[f"{path.stem}.html"].links


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("width", [360, 1600])
def test_a_page_fits_its_screen_and_asks_nobody_else(open_page, address, site, name, width):
    page = open_page(name, width=width)
    page.wait_for_load_state("networkidle")
    others = [url for url in page.requests if not url.startswith((address, "blob:", "data:"))]
    assert others == [] and page.errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    fetched = {url for url in page.requests if url.startswith(address)}
    files = [site / (unquote(urlparse(url).path).lstrip("/") or "index.html") for url in fetched]
    assert sum(len(gzip.compress(file.read_bytes(), 6)) for file in files if file.is_file()) <= LARGEST
    screens = ROOT / "build" / "screens"
    screens.mkdir(parents=True, exist_ok=True)
    page.screenshot(
        path=screens / f"{name.replace('/', '_').removesuffix('.html')}_{width}.png", full_page=True
    )


@pytest.fixture(scope="module")
def axe():
    """The text of axe-core, from the npm registry."""
    folder = ROOT / "build" / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{AXE.replace('@', '-')}.tgz"
    if not archive.exists():
        try:
            subprocess.run(
                ["npm", "pack", AXE, "--silent"], cwd=folder, check=True, capture_output=True, timeout=120
            )
        except (OSError, subprocess.SubprocessError):
            pytest.skip("*** axe-core could not be fetched from npm: accessibility is not tested ***")
    subprocess.run(["tar", "xzf", archive.name], cwd=folder, check=True)
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CHECKED)
def test_nobody_is_shut_out(open_page, axe, name, scheme):
    page = open_page(name, scheme=scheme)
    if name == "playground.html":
        page.wait_for_selector("#finals li")
    page.wait_for_timeout(400)  # colours fade in
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in serious] == []


def test_without_scripts_a_recorded_example_stands_in_the_playground(open_page):
    page = open_page("playground.html", scripts=False)
    text = re.sub(r"\s+", " ", page.inner_text("#part-written"))
    assert "La loutre n'est pas triste." in text
