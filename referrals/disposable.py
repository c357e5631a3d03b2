"""Throw-away e-mail: addresses that anybody can have for ten minutes.

`disposable_domains.txt` lists the known providers; a program adds its own.
"""

from __future__ import annotations

import functools
from pathlib import Path

from ambassadors import program
from core import emails

LIST = Path(__file__).with_name("disposable_domains.txt")


def is_disposable(email: str | None) -> bool:
    """Tell whether an address is at a provider of throw-away e-mail, or a subdomain of one."""
    normal = emails.normalise(email)
    if normal is None:
        return False
    labels = normal.rpartition("@")[2].split(".")
    domains = {".".join(labels[at:]) for at in range(len(labels))}
    return not domains.isdisjoint(_listed()) or not domains.isdisjoint(
        program.current().disposable_domains
    )


@functools.cache
def _listed() -> frozenset[str]:
    lines = LIST.read_text(encoding="ascii").split("\n")
    return frozenset(line for line in lines if line and not line.startswith("#"))
