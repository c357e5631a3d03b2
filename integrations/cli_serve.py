"""`flask serve`: the web server with the background work beside it."""

from __future__ import annotations

import os

import click
from flask import Blueprint

from core import serve

door = Blueprint("operator_serve", __name__, cli_group=None)


@door.cli.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--threads", type=click.IntRange(1, 64), default=serve.THREADS, show_default=True,
              help="Of each worker: more wait better, and answer fewer requests.")  # fmt: skip
@click.option("--without-worker", is_flag=True, help="The background work runs elsewhere.")
def run(*, host: str, port: int, workers: int, threads: int, without_worker: bool) -> None:
    """Serve Cercle, with the background work, until Ctrl-C."""
    if not serve.is_free(host, port):
        raise click.ClickException(
            f"Port {port} is taken: end what listens there, or choose another (PORT={port + 1})."
        )
    address = f"http://{host}:{port}"
    os.environ.setdefault("BASE_URL", address)  # for links in mail, where nobody says better
    parts = [serve.web(host=host, port=port, workers=workers, threads=threads)]
    if not without_worker:
        parts.append(serve.worker())
    ended = serve.run(
        parts,
        is_up=lambda: serve.answers(host, port),
        when_up=lambda: click.secho(f"\nCercle is ready: {address}  (Ctrl-C ends it)", bold=True),
    )
    if ended:
        raise click.ClickException(f"The {ended} has ended; its last lines say why.")
    click.echo("Cercle has ended.")
