"""Findings as a SARIF 2.1.0 log, which code hosts show beside a change."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from actscope.probe.findings import Finding, jsonable
from actscope.probe.origins import Origin
from actscope.probe.rules._base import Rule
from actscope.probe.rules._lookup import SHELF
from actscope.probe.rules._pages import body_of, page_of, title_of

LEVELS = {"info": "note", "warning": "warning", "error": "error"}  # as SARIF names them
PROBLEMS = {"info": "recommendation", "warning": "warning", "error": "error"}  # as GitHub does


def sarif(
    findings: Iterable[Finding],
    origins: Mapping[str, Origin],
    model: str = "",
    made: Origin | None = None,
) -> dict[str, Any]:
    """Findings of one report as a log of one run.

    Args:
        findings: of one report.
        origins: {site: where it stands}.
        model: its name: findings on several models of one repository are kept apart by it.
        made: where the model is made, for sites whose place is not known.

    Source: SARIF 2.1.0 (OASIS 2020); what GitHub's code scanning reads of it.
    """
    rules = sorted(SHELF, key=lambda rule: rule.code)
    index = {rule.code: number for number, rule in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "actscope",
                "semanticVersion": importlib.metadata.version("actscope"),
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(f, index[f.code], origins.get(f.site, made)) for f in findings],
    }
    if model:
        run["automationDetails"] = {"id": f"actscope/{model}/"}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": title_of(rule)},
        "fullDescription": {"text": body_of(rule)},
        "help": {
            "text": f"Likely cause: {rule.cause}. What to do: {rule.todo}.",
            "markdown": page_of(rule),
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"problem.severity": PROBLEMS[rule.severity], "tags": ["pytorch"]},
    }


def _result(finding: Finding, rule: int, origin: Origin | None) -> dict[str, Any]:
    said = (
        f"{finding.site}: {finding.message}. Likely cause: {finding.cause}. What to do: "
        f"{finding.todo}."
    )
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        # braces stand for arguments in such texts
        "message": {"text": said.replace("{", "{{").replace("}", "}}")},
        "locations": [_location(finding.site, origin)],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding)},
        "properties": {"evidence": {k: jsonable(v) for k, v in finding.evidence.items()}},
    }


def _location(site: str, origin: Origin | None) -> dict[str, Any]:
    place: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": site, "kind": "module"}],
    }
    if origin is not None:
        place["physicalLocation"] = {
            "artifactLocation": _artifact(Path(origin.file)),
            "region": {"startLine": origin.line},
        }
    return place


def _artifact(file: Path) -> dict[str, str]:
    """A file below the current folder, which a host takes for the repository's; else as it is."""
    here = Path.cwd().resolve()
    if file.is_relative_to(here):
        return {"uri": quote(file.relative_to(here).as_posix()), "uriBaseId": "%SRCROOT%"}
    return {"uri": file.as_uri()}


def _fingerprint(finding: Finding) -> str:
    """The same for a rule at a site from run to run: several sites may share a line of code."""
    text = f"{finding.code} {finding.site}"
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}:1"
