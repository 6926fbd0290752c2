"""A rule's page: what its file's docstring says, its cause, its advice, its thresholds."""

from __future__ import annotations

import inspect
import sys

from actscope.probe.rules._base import Rule


def title_of(rule: Rule) -> str:
    """The first line of its file's docstring."""
    return _doc(rule).partition("\n")[0]


def body_of(rule: Rule) -> str:
    """The rest of it."""
    return _doc(rule).partition("\n")[2].strip()


def page_of(rule: Rule) -> str:
    """The page, as Markdown."""
    lines = [f"# {rule.code} {rule.name}: {title_of(rule).rstrip('.')}", ""]
    lines += [f"Severity: {rule.severity}.", "", body_of(rule), ""]
    lines += [f"**Likely cause:** {rule.cause}.", "", f"**What to do:** {rule.todo}.", ""]
    if rule.thresholds:
        lines += ["| threshold | default |", "|---|---|"]
        lines += [f"| `{rule.name}.{name}` | {v:g} |" for name, v in rule.thresholds.items()]
        lines += [""]
    lines += [
        f"Leave it out with `--ignore {rule.code}`, at one place with "
        f"`--ignore '{rule.code}@layers.0*'`."
    ]
    return "\n".join(lines) + "\n"


def _doc(rule: Rule) -> str:
    return inspect.getdoc(sys.modules[rule.check.__module__]) or ""
