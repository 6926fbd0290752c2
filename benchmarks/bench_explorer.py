"""The explorer in a real Chromium: painted updates a second, and how long a slider waits.

A painted update is a frame for which the page has given its credit back, which it does in the
animation frame that has drawn it. A slider's wait is the time from the key to the animation frame
after the readout changed. Everything runs on this machine: server, training and browser share it.

    python benchmarks/bench_explorer.py [SECONDS]

Aims: 45 updates a second for two networks of 4 × 16 (25 at least) and 15 for 8 × 32; 95 % of the
keys answered within 30 ms while a training runs (50 ms at most); 30 redraws a second while the
depth is dragged.
"""

import contextlib
import os
import shutil
import statistics
import subprocess
import sys

from playwright.sync_api import sync_playwright

FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage"""
COUNT = """
window.painted = 0;
const plain = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
  if (text.includes('"credit"')) window.painted += 1;
  return plain.call(this, text);
};
"""
# on the slider's key: when, and the frame after the readout has changed
LISTEN = """(name) => {
  window.waits = [];
  let pressed = null;
  document.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  const value = () => document.querySelector(`[data-name="${name}"]`)?.dataset.value;
  let last = value();
  new MutationObserver(() => {
    if (pressed === null || value() === undefined || value() === last) return;
    last = value();
    const from = pressed;
    pressed = null;
    requestAnimationFrame(() => window.waits.push(performance.now() - from));
  }).observe(document.querySelector("[data-panel=activation]"),
    {subtree: true, childList: true, attributes: true, attributeFilter: ["data-value"]});
}"""
REDRAWN = """() => {
  window.redrawn = 0;
  new MutationObserver(() => { window.redrawn += 1; }).observe(
    document.querySelector("canvas[data-name=products]"),
    {attributes: true, attributeFilter: ["aria-label"]});
}"""
QUIET = '.actscope[data-asking="0"]'


@contextlib.contextmanager
def explorer():
    """The URL of a server of its own."""
    words = [sys.executable, "-m", "actscope", "serve", "--port", "0", "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def opened(browser, url, where):
    """A page on which painted updates are counted, at rest."""
    page = browser.new_context(viewport={"width": 1240, "height": 900}).new_page()
    page.add_init_script(COUNT)
    page.goto(f"{url}#{where}")
    page.wait_for_selector(f"[data-panel={where.partition('?')[0]}]")
    page.wait_for_timeout(3000)
    page.wait_for_selector(QUIET, timeout=120_000)
    return page


def play(page):
    """Start the playground, from the first epoch."""
    page.click("[data-name=reset]")
    page.wait_for_timeout(1500)
    page.click("[data-name=play]")
    page.wait_for_timeout(1500)


def rate(page, seconds):
    """Painted updates a second."""
    before = page.evaluate("painted")
    began = page.evaluate("performance.now()")
    page.wait_for_timeout(1000 * seconds)
    painted = page.evaluate("painted") - before
    return 1000 * painted / (page.evaluate("performance.now()") - began)


def playground(browser, url, shape, seconds):
    """Two networks of a shape in training."""
    depth, width = shape
    page = opened(browser, url, f"playground?depth={depth}&width={width}&lr=0.05")
    play(page)
    found = rate(page, seconds)
    page.context.close()
    print(f"playground, two networks {depth} × {width}: {found:.1f} painted updates a second")


def waits(page, keys=120):
    """Milliseconds from key to readout."""
    page.evaluate(LISTEN, "value tanh")
    page.focus("[data-panel=activation] input[type=range]")
    for _ in range(keys):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(25)
    return sorted(page.evaluate("waits"))


def tell(what, found):
    """One line of what was measured."""
    high = found[int(0.95 * (len(found) - 1))]
    middle = statistics.median(found)
    print(f"{what}: median {middle:.1f} ms, 95 % within {high:.1f} ms ({len(found)} keys read off)")


def sliders(browser, url):
    """Keys on panel 1, alone and beside a training."""
    page = opened(browser, url, "activation?f=tanh&f=gelu&f=relu&x=-2")
    tell("key to readout, nothing else", waits(page))
    other = opened(browser, url, "playground?depth=4&width=16&lr=0.05")
    play(other)
    page.goto(f"{url}#activation?f=tanh&f=gelu&f=relu&x=-1.9")
    page.wait_for_selector(QUIET)
    page.bring_to_front()
    tell("key to readout, another window trains 4 × 16", waits(page))
    other.context.close()
    page.context.close()


def depth(browser, url):
    """The depth of panel 2 dragged."""
    page = opened(browser, url, "depth?f=sigmoid&f=relu&f=tanh&depth=1")
    page.evaluate(REDRAWN)
    box = page.locator("[data-panel=depth] input[type=range]").first.bounding_box()
    y, across = box["y"] + box["height"] / 2, box["width"] * 49 / 113
    page.mouse.move(box["x"] + 9, y)
    page.mouse.down()
    began = page.evaluate("performance.now()")
    for i in range(50):  # a depth a move
        page.mouse.move(box["x"] + 9 + across * i / 49, y)
    took = page.evaluate("performance.now()") - began
    page.mouse.up()
    print(
        f"depth dragged from 1 to 50: {1000 * page.evaluate('redrawn') / took:.1f} redraws a second"
    )
    page.context.close()


def dead(browser, url, seconds):
    """Panel 3 in training."""
    page = opened(browser, url, "dead?steps=2000&lr=0.1")
    page.click("[data-name=train]")
    page.wait_for_timeout(500)
    print(f"dead units, training: {rate(page, min(seconds, 4)):.1f} painted updates a second")
    page.context.close()


def main():
    """All of it, with the load that the machine had."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    path = os.environ.get("ACTSCOPE_CHROMIUM") or shutil.which("chromium")
    load = ", ".join(f"{v:.1f}" for v in os.getloadavg())
    print(f"{os.cpu_count()} cores, load before: {load}")
    with explorer() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        for shape in ((4, 16), (8, 32)):
            playground(browser, url, shape, seconds)
        sliders(browser, url)
        depth(browser, url)
        dead(browser, url, seconds)
        browser.close()


if __name__ == "__main__":
    main()
