"""Make the pictures of README and docs anew: the command of each, and where it leaves the picture.

Those of the lessons are made by docs/build_lessons.py, predictor.png by benchmarks/predictor.py,
which trains for an hour.

Run: python docs/build_images.py [NAME …]   (all below by default; `make images`, minutes)
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "images"
# picture: the words of `actscope`, and the file that they write
COMMANDS = {
    "decision_boundaries.png": ("reproduce", "decision_boundaries.png"),
    "cost_frontier.png": ("cost", "frontier.png"),
    "cost_elementwise.png": ("cost --elementwise", "by_size.png"),
}
SCREENS = {"explorer.png": "dead?lr=10"}  # picture: the panel and its settings, trained
ELSEWHERE = {"predictor.png": "benchmarks/predictor.py"}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def draw(name: str, to: Path) -> None:
    """Run the command of a picture and copy what it drew."""
    words, made = COMMANDS[name]
    with tempfile.TemporaryDirectory() as place:
        program = [sys.executable, "-m", "actscope", *words.split(), "--out", place]
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
        shutil.copy(Path(place) / made, to)


def photograph(name: str, to: Path) -> None:
    """Serve the explorer, train the panel's layer, and take its picture."""
    from playwright.sync_api import sync_playwright

    serve = [sys.executable, "-m", "actscope", "serve", "--port", "0", "--no-open"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().split()[-1]
            path = os.environ.get("ACTSCOPE_CHROMIUM") or next(
                filter(None, map(shutil.which, CHROMIUM))
            )
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1240, "height": 975})
                page.goto(f"{url}#{SCREENS[name]}")
                page.get_by_role("button", name="Train 200 steps").click()
                page.locator("p", has_text="Finished after 200 steps").wait_for(timeout=60_000)
                page.locator("body").click(position={"x": 5, "y": 5})
                page.screenshot(path=to)
                browser.close()
        finally:
            server.terminate()


def main(chosen: list[str]) -> None:
    """Make the chosen pictures."""
    for name in chosen or [*COMMANDS, *SCREENS]:
        (draw if name in COMMANDS else photograph)(name, FOLDER / name)
        print(f"docs/images/{name}")


if __name__ == "__main__":
    main(sys.argv[1:])
