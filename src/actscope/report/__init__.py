"""Figures and tables on one self-contained HTML page, and files written whole or not at all."""

from actscope.report.files import ready_folder, write_files
from actscope.report.page import Download, Page, Picture, Section, Table, render_page

__all__ = [
    "Download",
    "Page",
    "Picture",
    "Section",
    "Table",
    "ready_folder",
    "render_page",
    "write_files",
]
