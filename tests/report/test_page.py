"""A page stands alone: nothing is loaded, ids are distinct, texts cannot break it."""

import re

import pandas as pd
import pytest
from matplotlib.figure import Figure

from actscope.figures.colours import LIGHT_TO_DARK, OTHER_LIGHT
from actscope.figures.sheet import sheet
from actscope.report.page import (
    Download,
    Page,
    Picture,
    Section,
    Table,
    inline_svg,
    render_page,
    show_cell,
)


@pytest.fixture(scope="module")
def picture():
    figure, [[ax]] = sheet(1, 1, 3, 2)
    assert isinstance(figure, Figure)
    ax.plot([0, 1, 2], color=OTHER_LIGHT, marker="o")
    ax.imshow([[0, 1]], extent=(0, 1, 0, 1))
    return Picture.of(figure, "one", "A line & a <heat map>.")


@pytest.fixture(scope="module")
def page(picture):
    table = Table(("name", "value"), (("a<b>", 0.123456), ("none", None)), "A table")
    sections = (
        Section("First & foremost", ("Text with <script>alert(1)</script>.",), (picture, picture)),
        Section("Second", tables=(table,)),
    )
    files = (Download("a.csv", "text/csv", b"x,y\n1,2\n"),)
    return render_page(Page("Title <b>", "Lead 'quoted'.", sections, files))


def test_well_formed_and_escaped(page, read):
    reader = read(page)
    assert "script" not in reader.tags
    assert "Text with <script>alert(1)</script>." in reader.text
    assert "Title <b>" in reader.text
    assert "a<b>" in reader.text
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("h2") == 3


def test_nothing_is_loaded(page, read):
    for address in read(page).addresses:
        assert address.startswith(("#", "data:")), address
    outside = re.findall(rb"(?:url\(|@import|src=)\s*[\"']?(?!#|data:)[^\s;]{1,40}", page)
    assert not outside


def test_ids_are_distinct_and_links_lead_somewhere(page, read):
    reader = read(page)
    assert len(reader.ids) == len(set(reader.ids))
    inner = [a[1:] for a in reader.addresses if a.startswith("#")]
    clips = re.findall(rb"url\(#([^)]+)\)", page)
    assert clips
    assert {*inner, *(c.decode() for c in clips)} <= set(reader.ids)


def test_two_views(page):
    text = page.decode()
    assert "prefers-color-scheme: dark" in text
    name = f"--as-{OTHER_LIGHT[1:].lower()}"
    assert f"{name}: {LIGHT_TO_DARK[OTHER_LIGHT]};" in text
    assert f"stroke: var({name}, {OTHER_LIGHT.lower()})" in text
    assert not re.search(rf"(?<!, ){OTHER_LIGHT.lower()}", text.replace(name, ""))


def test_figures_shrink_with_the_page(picture):
    svg = inline_svg(picture, 3)
    head = svg[: svg.index(">")]
    assert "viewBox" in head
    assert not re.search(r' (width|height)="', head)
    assert re.search(r'style="max-width: \d+px"', head)
    assert 'id="f3-' in svg


def test_numbers_stand_right_and_short(page, read):
    assert b'<td class="number">0.1235</td>' in page
    assert "–" in read(page).text


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(1e-12, "1e-12"), (123456.0, "123500"), (0.0, "0"), (-0.00005, "-5e-05"), (1e9, "1e+09")],
)
def test_cells(cell, shown):
    assert show_cell(cell) == shown


def test_table_of_a_frame():
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, float("nan")]}, index=["x", "y"])
    table = Table.of(frame.rename_axis("name"), "caption")
    assert table.columns == ("name", "a", "b")
    assert table.rows[0] == ("x", 1, 0.5)
    assert Table.of(frame).columns == ("a", "b")


def test_downloads_are_inside(page):
    assert b'download="a.csv" href="data:text/csv;base64,eCx5CjEsMgo="' in page


def test_a_listing_stands_as_it_is():
    page = render_page(Page("t", "l", (Section("Spec", listings=('a = ["<b>"]\nc = 1',)),)))
    assert b'aria-label="Spec">a = [&#34;&lt;b&gt;&#34;]\nc = 1</pre>' in page
