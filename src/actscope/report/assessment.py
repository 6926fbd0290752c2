"""An assessment as files: one page, its figures, its numbers."""

from __future__ import annotations

from dataclasses import asdict

from actscope.assessment.assess import Assessment, Subject
from actscope.figures.assessment import FIGURES
from actscope.figures.sheet import render
from actscope.report.page import Cell, Download, Page, Picture, Section, Table, render_page

PAGE = "index.html"
WORDS = {
    "value_and_slope": "The activation and the ones it is compared with: values and slopes.",
    "correlation_maps": "What one wide layer does to the correlation of two inputs, with the mean "
    "of the activation (uncentred) and without it (centred); a line on the diagonal changes "
    "nothing. Only both together tell what happens: a constant part pulls all inputs together "
    "uncentred and costs nothing centred.",
    "fidelity_by_layer": "How well a linear reader recovers the signed distance to the true "
    "boundary from a layer's output, in float64 and after rounding to a number format.",
    "gradient_by_layer": "The gradient of the loss in each layer's weights over the output "
    "layer's, before training.",
}
TITLES = {
    "value_and_slope": "Value and slope",
    "correlation_maps": "Angles",
    "fidelity_by_layer": "Distance to the boundary, by layer and number format",
    "gradient_by_layer": "Gradient by layer",
}


def assessment_files(assessment: Assessment, command: str) -> dict[str, bytes]:
    """Every file of an assessment, by name: the page, four figures as PNG and SVG, the numbers.

    Args:
        assessment: what `assess` found.
        command: the command line that gives it again; stands on the page.
    """
    files: dict[str, bytes] = {}
    sections = [verdict_section(assessment)]
    for name, draw in FIGURES.items():
        figure = draw(assessment)
        files[f"{name}.png"] = render(figure, "png")
        files[f"{name}.svg"] = render(figure, "svg")
        picture = Picture(name, files[f"{name}.svg"], WORDS[name])
        sections.append(Section(TITLES[name], pictures=(picture,)))
    files["assessment.json"] = assessment.to_json().encode()
    files["measured.csv"] = assessment.table.to_csv(index=False).encode()
    sections += [
        facts_section(assessment),
        Section("Measured", tables=(Table.of(assessment.table, "Medians over the networks"),)),
        _run_section(assessment, command),
    ]
    downloads = (
        Download("assessment.json", "application/json", files["assessment.json"]),
        Download("measured.csv", "text/csv", files["measured.csv"]),
    )
    label = assessment.subject.activation.label
    page = Page(f"{label}, assessed", assessment.verdict[0], tuple(sections), downloads)
    return {PAGE: render_page(page), **files}


def verdict_section(assessment: Assessment) -> Section:
    """The three sentences."""
    return Section("Verdict", assessment.verdict)


def facts(subject: Subject) -> dict[str, Cell]:
    """Properties, theory and cost of one activation, by what a reader calls them."""
    p, t, cost = subject.properties, subject.theory, subject.cost
    recommended = t.recommended
    return {
        "range": p.range,
        "mean at N(0, 1)": p.mean,
        "smallest slope": p.slope_min,
        "largest slope": p.slope_max,
        "Lipschitz constant": p.lipschitz,
        "kinks": ", ".join(f"{k:g}" for k in p.kinks) or "none",
        "zero-centred": p.zero_centred,
        "monotonic": p.monotonic,
        "saturates below": p.saturates_below,
        "saturates above": p.saturates_above,
        "gain (fixed point)": t.gain,
        "gain (PyTorch's table)": t.torch_gain,
        "constant part of E[φ²]": t.constant_part,
        "χ₁, uncentred": t.chi_1,
        "χ₁, centred": t.chi_1_centred,
        "phase at the gain": t.phase,
        "ξc, uncentred (layers)": t.xi_c,
        "ξc, centred (layers)": t.xi_c_centred,
        "χq": t.chi_q,
        "recommended init": recommended.init,
        "its σw": recommended.sigma_w,
        "its σb": recommended.sigma_b,
        **{f"largest slope^{row.depth}": f"10^{row.largest_product:.1f}" for row in t.depths},
        "NumPy time over ReLU's": cost.ratio,
        "slope time over ReLU's": cost.slope_ratio,
    }


def facts_section(assessment: Assessment) -> Section:
    """One column an activation, one row a fact."""
    columns = [facts(subject) for subject in assessment.subjects]
    rows = tuple((name, *(column[name] for column in columns)) for name in columns[0])
    labels = (s.activation.label for s in assessment.subjects)
    why = assessment.subject.theory.recommended.why
    return Section(
        "Properties, theory, cost",
        (f"The recommended init of {assessment.subject.activation.label}: {why}.",),
        tables=(Table(("fact", *labels), rows),),
    )


def _run_section(assessment: Assessment, command: str) -> Section:
    settings = tuple(
        (name, ", ".join(map(str, value)) if isinstance(value, tuple) else value)
        for name, value in asdict(assessment.setup).items()
    )
    table = Table(("setting", "value"), (("command", command), *settings))
    return Section("How it was measured", tables=(table,))
