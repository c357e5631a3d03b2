"""Finds what a person would read in a template without it passing through `_()`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, nodes

SPOKEN = {"aria-label", "title", "placeholder", "alt"}  # attributes that are read out
QUIET = {"code", "kbd", "pre", "script", "style", "svg"}
NAMES = {"Cercle", "NPS", "CSV", "XLSX", "JSON", "API", "Stripe", "QR"}  # in every language
SAMPLES = {"user:7", "Windows 1252"}  # written so by the machine
TRANSLATED = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
SENTENCE = re.compile(r"^[A-ZÀ-Ý][^_/]*\s\S")
WORD = re.compile(r"[^\W\d_]{2,}")


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.quiet: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in QUIET:
            self.quiet.append(tag)
        self.found += [value for name, value in attrs if value and name in SPOKEN]

    def handle_endtag(self, tag: str) -> None:
        if self.quiet and self.quiet[-1] == tag:
            self.quiet.pop()

    def handle_data(self, data: str) -> None:
        if not self.quiet:
            self.found.append(data)


def untranslated(env: Environment, path: Path) -> list[str]:
    """Return the words of a template that no translation reaches."""
    source = path.read_text(encoding="utf-8")
    texts = _Texts()
    texts.feed(_markup(env, source))
    bare = [text for text in texts.found if set(WORD.findall(text)) - NAMES]
    found = [" ".join(text.split()) for text in bare] + list(_sentences(env, source))
    return [text for text in found if text not in SAMPLES]


def _markup(env: Environment, source: str) -> str:
    """Return the template's own markup: each expression a sign without letters, no `trans` text."""
    parts: list[str] = []
    is_block = is_trans = False
    for _, kind, value in env.lex(source):
        if kind == "block_begin":
            is_block = True
        elif kind == "block_end":
            is_block = False
        elif kind == "variable_begin":
            parts.append("¤")
        elif kind == "name" and is_block and value in {"trans", "endtrans"}:
            is_trans = value == "trans"
        elif kind == "data" and not is_trans:
            parts.append(value)
    return "".join(parts)


def _sentences(env: Environment, source: str) -> Iterator[str]:
    """Yield sentences that stand in expressions, such as the argument of a macro."""
    tree = env.parse(source)
    covered = {
        id(inner)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in TRANSLATED
        for inner in call.find_all(nodes.Const)
    }
    for constant in tree.find_all(nodes.Const):
        words = constant.value
        if id(constant) not in covered and isinstance(words, str) and SENTENCE.match(words):
            yield words
