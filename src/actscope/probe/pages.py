"""Write the rules' pages: `python -m actscope.probe.pages docs/findings`."""

from __future__ import annotations

import sys
from pathlib import Path

from actscope.probe.rules._lookup import SHELF
from actscope.probe.rules._pages import page_of, title_of


def pages() -> dict[str, str]:
    """File name to text: one page a rule, and README.md, which lists them by code."""
    rules = sorted(SHELF, key=lambda rule: rule.code)
    made = {f"{rule.name}.md": page_of(rule) for rule in rules}
    lines = [
        "# What `actscope inspect` finds",
        "",
        "Written from the rules' docstrings by `python -m actscope.probe.pages docs/findings`.",
        "",
        "| code | rule | severity | |",
        "|---|---|---|---|",
    ]
    for rule in rules:
        title = title_of(rule).rstrip(".")
        lines.append(f"| {rule.code} | [{rule.name}]({rule.name}.md) | {rule.severity} | {title} |")
    return {"README.md": "\n".join(lines) + "\n", **made}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf8")
