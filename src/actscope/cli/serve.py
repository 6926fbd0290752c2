"""Open the explorer in the browser: activations, gradients, dead units, a playground, results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="0 takes any free one; by default 8421, if free."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; one for other machines asks for origins.")
    ] = "127.0.0.1",
    open_: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the browser; by default in a terminal."),
    ] = None,
    studies: Annotated[
        Path, typer.Option(help="Folder whose studies the results panel shows.")
    ] = Path(),
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="An address at which the page may be opened too; repeatable."),
    ] = None,
) -> None:
    """Open the explorer in the browser: activations, gradients, dead units, a playground, results.

    Prints the URL as soon as it answers, and serves until Ctrl-C. It listens on this machine
    alone unless --host says otherwise; then --allow-origin has to name the address at which
    others open it, because whoever can reach it can use it.

    Examples: actscope serve · actscope serve --port 0 --no-open --studies ~/studies ·
    actscope serve --host 0.0.0.0 --allow-origin http://lab.example:8421
    """
    import sys
    import webbrowser

    from actscope.app.request import Settings
    from actscope.app.server import serve
    from actscope.errors import InputError

    if not studies.is_dir():
        raise InputError(f"--studies {str(studies)!r}: expected a folder that exists")
    wanted = sys.stdout.isatty() if open_ is None else open_

    def ready(url: str) -> None:
        typer.echo(f"actscope explorer: {url}")
        sys.stdout.flush()
        if wanted:
            webbrowser.open(url)

    serve(Settings(studies.resolve()), host, port, allow_origin or (), ready)
