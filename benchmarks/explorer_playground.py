"""The playground in a real Chromium: updates and epochs a second, and how soon a pause holds.

    .venv/bin/python benchmarks/explorer_playground.py [--seconds 5]

An update counts when the page has drawn it in an animation frame; a pause holds when the last
drawing is there, fine and with its words. Aims: 45 updates a second for two networks of 4×16 (25 at
least), 15 for 8×32; a pause within 0.3 s. `bench_explorer.py` measures the sliders.
"""

import argparse
import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip
CASES = {
    "two 4×16": "depth=4&width=16",
    "two 8×32": "depth=8&width=32",
    "two × 64 seeds 2×8": "depth=2&width=8&many=1",
}
PANEL = "document.querySelector('[data-panel=playground]').dataset"
COUNT = """(ms) => new Promise((done) => {
  const panel = document.querySelector('[data-panel=playground]').dataset;
  const epoch = () => Number(document.querySelector('[data-name=epochs]').dataset.value);
  const began = performance.now(), first = Number(panel.frames), start = epoch();
  const step = (now) => now - began < ms ? requestAnimationFrame(step)
    : done({ updates: 1000 * (panel.frames - first) / (now - began),
             epochs: 1000 * (epoch() - start) / (now - began) });
  requestAnimationFrame(step);
})"""
PAUSE = """() => new Promise((done) => {
  const panel = document.querySelector('[data-panel=playground]').dataset;
  const began = performance.now();
  document.querySelector('[data-name=play]').click();
  const step = (now) => panel.rest === 'true' ? done(now - began) : requestAnimationFrame(step);
  requestAnimationFrame(step);
})"""


def until(page, holds, seconds=120):
    """Wait until a JavaScript expression holds."""
    for _ in range(40 * seconds):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(25)
    raise SystemExit(f"never: {holds}")


def measure(page, url, settings, seconds):
    """Updates and epochs a second, and milliseconds from a press on Pause to the last drawing."""
    page.goto("about:blank")
    page.goto(f"{url}#playground?{settings}&lr=0.05&atA=0&atB=0&until=20000")
    until(page, f"document.querySelector('[data-panel=playground]') && {PANEL}.rest === 'true'")
    page.click("[data-name=play]")
    page.wait_for_timeout(1000)
    found = page.evaluate(COUNT, 1000 * seconds)
    return found["updates"], found["epochs"], page.evaluate(PAUSE)


def main():
    """Print one line a case."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seconds", type=float, default=5.0, help="of counting, a case")
    seconds = words.parse_args().seconds
    path = os.environ.get("ACTSCOPE_CHROMIUM") or shutil.which("chromium")
    command = [sys.executable, "-m", "actscope", "serve", "--port", "0", "--no-open"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[-1]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            page = browser.new_page(viewport={"width": 1240, "height": 900})
            print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            for name, settings in CASES.items():
                updates, epochs, pause = measure(page, url, settings, seconds)
                print(
                    f"{name:20} {updates:5.1f} updates/s {epochs:6.1f} epochs/s, "
                    f"pause {pause:4.0f} ms, load average {os.getloadavg()[0]:.1f}"
                )
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
