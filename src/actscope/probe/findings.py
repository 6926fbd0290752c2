"""Run the rules over what was measured."""

from __future__ import annotations

import fnmatch
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from actscope.errors import InputError, UnknownName
from actscope.probe.rules._base import SEVERITIES, Rule, Seen
from actscope.probe.rules._lookup import SHELF


@dataclass(frozen=True)
class Finding:
    """One thing that a rule found.

    Attributes:
        code: the rule's code ("ACT101").
        rule: the rule's name ("dead_units").
        severity: "info", "warning" or "error".
        site: where.
        message: what, with numbers.
        evidence: the numbers.
        cause: the likely cause.
        todo: what to do.
    """

    code: str
    rule: str
    severity: str
    site: str
    message: str
    evidence: Mapping[str, Any]
    cause: str
    todo: str

    def __str__(self) -> str:
        return f"{self.code} {self.severity} {self.site}: {self.message}"


@dataclass(frozen=True)
class Settings:
    """Which rules run, and the numbers they compare with.

    Attributes:
        select: codes, prefixes of codes ("ACT1") or names of the rules that run; all if empty.
        ignore: the same, for rules that do not run; "ACT101@layers.0*" for some sites only.
        thresholds: {"dead_units.fraction": 0.1} or {"ACT101.fraction": 0.1}.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    thresholds: Mapping[str, float] | None = None


def settings_from(path: str | Path = "pyproject.toml") -> Settings:
    """Settings from the table `[tool.actscope.inspect]` of a TOML file; defaults without one.

    `select` and `ignore` are lists of codes or names, `thresholds` a table of
    `"rule.threshold" = number`.

    Raises:
        InputError: the file is not TOML, or a key is unknown or of another type.
    """
    path = Path(path)
    if not path.is_file():
        return Settings()
    try:
        table = tomllib.loads(path.read_text("utf8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not a TOML file ({error}): correct or remove it") from None
    given = table.get("tool", {}).get("actscope", {}).get("inspect", {})
    for key, value in given.items():
        if key not in {"select", "ignore", "thresholds"}:
            raise InputError(
                f"{path}: [tool.actscope.inspect] has no key {key!r}: expected select, ignore or "
                "thresholds"
            )
        if not isinstance(value, dict if key == "thresholds" else list):
            kind = "a table of numbers" if key == "thresholds" else "a list of codes"
            raise InputError(f"{path}: [tool.actscope.inspect] {key} = {value!r}: expected {kind}")
    return Settings(
        tuple(given.get("select", ())), tuple(given.get("ignore", ())), given.get("thresholds")
    )


def _matches(rule: Rule, pattern: str) -> bool:
    return rule.name == pattern or rule.code.startswith(pattern)


def _checked(patterns: Iterable[str], rules: list[Rule], others: Iterable[str] = ()) -> None:
    for pattern in patterns:
        bare = pattern.partition("@")[0]
        if not bare or not any(_matches(rule, bare) for rule in rules):
            known = [*others, *(n for r in rules for n in (r.code, r.name))]
            raise UnknownName("severity or rule" if others else "rule", bare, known)


def _limits(rule: Rule, given: Mapping[str, float]) -> dict[str, float]:
    limits = dict(rule.thresholds)
    for key, value in given.items():
        owner, _, name = key.partition(".")
        if owner in (rule.name, rule.code):
            if name not in limits:
                has = f"it has {', '.join(limits)}" if limits else "it has none"
                raise InputError(f"{owner} has no threshold {name!r}: {has}")
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InputError(f"threshold {key} = {value!r}: expected a number")
            limits[name] = float(value)
    return limits


def findings_of(seen: Seen, settings: Settings) -> tuple[Finding, ...]:
    """What the selected rules find, worst first, then by code and order of the sites.

    Raises:
        UnknownName: no rule has a selected or ignored code or name, or a threshold's owner.
        InputError: a rule has no such threshold.
    """
    rules = list(SHELF)
    thresholds = settings.thresholds or {}
    _checked(settings.select, rules)
    _checked(settings.ignore, rules)
    _checked([key.partition(".")[0] for key in thresholds], rules)
    found: list[Finding] = []
    for rule in rules:
        limits = _limits(rule, thresholds)
        if settings.select and not any(_matches(rule, p) for p in settings.select):
            continue
        for one in rule.check(seen, limits):
            if not any(_ignored(rule, one.site, p) for p in settings.ignore):
                found.append(
                    Finding(
                        rule.code,
                        rule.name,
                        rule.severity,
                        one.site,
                        one.message,
                        dict(one.evidence),
                        rule.cause,
                        rule.todo,
                    )
                )
    order = list(seen.rows)
    place: Callable[[str], int] = lambda site: order.index(site) if site in order else len(order)
    worst: Callable[[Finding], Any] = lambda f: (
        -SEVERITIES.index(f.severity),
        f.code,
        place(f.site),
    )
    return tuple(sorted(found, key=worst))


def _ignored(rule: Rule, site: str, pattern: str) -> bool:
    bare, at, sites = pattern.partition("@")
    return _matches(rule, bare) and (not at or fnmatch.fnmatch(site, sites))


def fails(findings: Iterable[Finding], fail_on: Iterable[str]) -> bool:
    """Whether a finding matches: a severity (that or a worse one), a code, a prefix or a name.

    Raises:
        UnknownName: a word is neither a severity nor a rule.
    """
    rules = list(SHELF)
    words = list(fail_on)
    _checked([w for w in words if w not in SEVERITIES], rules, SEVERITIES)
    return any(_hit(f, w) for f in findings for w in words)


def _hit(finding: Finding, word: str) -> bool:
    if word in SEVERITIES:
        return SEVERITIES.index(finding.severity) >= SEVERITIES.index(word)
    return finding.rule == word or finding.code.startswith(word)


def counted(number: int, what: str) -> str:
    """A number of things in words: "1 finding", "2 batches", "no findings"."""
    many = "es" if what.endswith("ch") else "s"
    return f"{number or 'no'} {what}{'' if number == 1 else many}"


def as_dicts(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as what JSON can hold: NaN and infinities as None."""
    return [
        asdict(f) | {"evidence": {k: jsonable(v) for k, v in f.evidence.items()}} for f in findings
    ]


def jsonable(value: Any) -> Any:
    """A number as JSON can hold it: NaN and infinities as None, NumPy's as Python's."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
