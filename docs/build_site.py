"""Build the site from docs/, with the scripts that its pages link to.

A page links to ../../examples/NAME.py, which is right in the repository and outside of the site:
those files are put on the site too, and the links led there.

Run: python docs/build_site.py [FOLDER]   (`make docs`; of a folder that holds mkdocs.yml)
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OUTSIDE = re.compile(r'href="(?:\.\./)+(examples/[\w.]+)"')


def build(root: Path) -> Path:
    """Build it, and say where it is."""
    zensical = Path(sys.executable).parent / "zensical"
    done = subprocess.run([zensical, "build", "--clean"], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    site = root / "site"
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for linked in set(OUTSIDE.findall(text)):
            (site / linked).parent.mkdir(exist_ok=True)
            shutil.copy(root / linked, site / linked)
        back = os.path.relpath(site, page.parent)
        page.write_text(OUTSIDE.sub(rf'href="{back}/\1"', text), encoding="utf-8")
    return site


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1])))
