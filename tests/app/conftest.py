"""A real browser against a real server: one of each for all tests.

Chromium is the system's, found by ACTSCOPE_CHROMIUM or on the PATH. Where CI is set, tests fail
without it; elsewhere they are skipped. A page fails its test at a request to anywhere else, an
error on the console or in the page, and a status of 400 or more, unless the test expects it.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage"""
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE = 10_000  # ms, for what should take a fraction of it


def chromium_path():
    named = os.environ.get("ACTSCOPE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser():
    path = chromium_path()
    if path is None:
        words = "no Chromium: apt-get install chromium, or say where it is in ACTSCOPE_CHROMIUM"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield browser
        browser.close()


class Server:
    """`actscope serve` as a child process; `url` is what it printed."""

    def __init__(self, *options, port=0):
        words = [sys.executable, "-m", "actscope", "serve", "--port", str(port), "--no-open"]
        self.process = subprocess.Popen([*words, *options], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    @property
    def port(self):
        return int(self.url.rstrip("/").rpartition(":")[2])

    def end(self, how="terminate"):
        getattr(self.process, how)()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def studies(tmp_path_factory):
    """The folder whose studies the shared server shows; a test may add to it."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="session")
def server(studies):
    """One server for all tests."""
    server = Server("--studies", str(studies))
    yield server
    server.end()


@dataclass
class Watch:
    """What went wrong on the pages of a test, but for what it expects."""

    home: str
    expected: list = field(default_factory=list)  # pieces of texts of problems
    problems: list = field(default_factory=list)

    def note(self, problem):
        if not any(piece in problem for piece in self.expected):
            self.problems.append(problem)

    def over(self, page):
        page.on("request", lambda r: self._request(r.url))
        page.on("console", lambda m: m.type == "error" and self.note(f"console: {m.text}"))
        page.on("pageerror", lambda e: self.note(f"page error: {e}"))
        page.on("response", lambda r: r.status >= 400 and self.note(f"{r.status}: {r.url}"))

    def _request(self, url):
        if not url.startswith((self.home, "data:", "blob:")):
            self.note(f"foreign request: {url}")


@pytest.fixture
def watch(server):
    """What the test's pages did wrong; `watch.expected.append("404")` lets something pass."""
    watch = Watch(server.url)
    yield watch
    assert not watch.problems, watch.problems


@pytest.fixture(scope="session")
def window(browser, server):
    """window(**options): a context that tests share, with nothing stored in it.

    Its first page never closes. It keeps the browser's process for the server's pages: a new one
    for every test would be half of what a test costs.
    """
    kept = {}

    def window(**options):
        key = repr(sorted(options.items()))
        if key not in kept:
            kept[key] = browser.new_context(**options)
            kept[key].new_page().goto(f"{server.url}page.css")
        kept[key].pages[0].evaluate("localStorage.clear()")
        return kept[key]

    yield window
    for context in kept.values():
        context.close()


@pytest.fixture
def open_page(browser, server, window, watch):
    """open_page("activation?x=1", width=390, scheme="dark"): a watched page.

    It shares its context with those of other tests, but for a page of another server.
    """
    opened = []

    def open_page(where="", *, width=1240, height=900, scheme="light", url=None, **more):
        viewport = {"width": width, "height": height}
        options = {"viewport": viewport, "color_scheme": scheme, **more}
        context = browser.new_context(**options) if url else window(**options)
        page = context.new_page()
        opened.append(context if url else page)
        page.set_default_timeout(PATIENCE)
        watch.over(page)
        page.goto(f"{url or server.url}#{where}")
        panel = where.partition("?")[0]
        page.wait_for_selector(f"[data-panel={panel}]" if panel else "[data-panel]")
        settle(page)
        return page

    yield open_page
    for one in opened:
        one.close()


def settle(page):
    """Wait until no question is open, and what was answered is drawn."""
    page.wait_for_selector('.actscope[data-asking="0"]')
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def until(page, holds, patience=PATIENCE):
    """Wait until a JavaScript expression holds; the page's CSP forbids `wait_for_function`."""
    for _ in range(patience // 25):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never: {holds}")


def number(page, name):
    """The number in full of an output, by its data-name."""
    return float(page.locator(f'[data-name="{name}"]').first.get_attribute("data-value"))


def complaints_of_axe(page):
    """What axe finds wrong with the page as it is shown now."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {[n['target'] for n in v['nodes']][:4]}" for v in found]


def sideways(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.fixture(scope="session")
def helpers():
    """The functions above, for tests: helpers.number(page, "loss")."""
    from types import SimpleNamespace

    return SimpleNamespace(
        number=number,
        settle=settle,
        until=until,
        complaints_of_axe=complaints_of_axe,
        sideways=sideways,
        Server=Server,
    )
