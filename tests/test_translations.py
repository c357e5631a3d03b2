"""Every text has its French, in step with the sources, and no page in French slips into English."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from configparser import ConfigParser
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask

from accounts import wording as account_words
from accounts.models import RoleName, Scope, User
from ambassadors.models import AmbassadorStatus
from campaigns import spend
from campaigns.models import SpendKind
from core import config, i18n, translations
from core.db import db
from referrals import codes, links
from rewards import intake
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_key,
    make_member,
    make_user,
    purchase_fact,
    refund_fact,
    sign_in,
)

CATALOGUE = config.ROOT / "translations/fr/LC_MESSAGES/messages.po"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None, "lazy_pgettext": ((1, "c"), 2)}
HOLE = re.compile(r"%\(\w+\)s|%%")
NARROW = "\u202f"
LEAVES = {"/sign-out", "/console/audit.csv"}
MACHINE = ("/api/", "/healthz", "/readyz", "/metrics", "/static", "/webhooks")
_ACT = re.compile(r"[a-z_]+(\.[a-z_]+)+")
Key = tuple[str | None, str]


def _french() -> Catalog:
    with CATALOGUE.open("rb") as source:
        return read_po(source, locale="fr")


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _texts(message: Message) -> list[tuple[str, str]]:
    """Return each text with its French; a plural counts for the forms of French."""
    english = [message.id] if isinstance(message.id, str) else list(message.id)
    french = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return [(english[-1], text) for text in french]


def _in_sources() -> set[Key]:
    rules = ConfigParser()
    rules.read(config.ROOT / "babel.cfg")
    methods = [tuple(section.split(": ", 1)) for section in rules.sections()]
    found = extract_from_dir(
        config.ROOT, [(pattern, method) for method, pattern in methods], {}, KEYWORDS
    )
    return {
        (context, message if isinstance(message, str) else message[0])
        for _path, _line, message, _comments, context in found
    }


def test_the_catalogue_has_just_the_texts_of_the_sources() -> None:
    known = {
        (message.context, message.id if isinstance(message.id, str) else message.id[0])
        for message in _messages(_french())
    }
    sources = _in_sources()
    assert sorted(map(str, sources - known)) == [], "make texts, then write the French"
    assert sorted(map(str, known - sources)) == [], "make texts takes out what is no longer said"


def test_every_text_has_its_french_and_none_is_a_guess() -> None:
    messages = _messages(_french())
    assert [m.id for m in messages if not all(french for _, french in _texts(m))] == []
    assert [m.id for m in messages if m.fuzzy] == []


def test_the_french_has_the_same_holes_to_fill() -> None:
    pairs = [pair for message in _messages(_french()) for pair in _texts(message)]
    wrong = [(e, f) for e, f in pairs if Counter(HOLE.findall(e)) != Counter(HOLE.findall(f))]
    assert wrong == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (r"!", "no exclamation marks"),
        (r"'", "the apostrophe is ’"),
        (r"[^\s\u202f/][;?]|[^\u202f];|[\w»)][:](?=\s|$)", "a narrow space before ; : ?"),
        (r" [;:?»]|« ", "the space before ; : ? and inside « » is narrow and does not break"),
        (r"\b(tu|ton|tes|ta)\b", "vous"),
        (r"\w·e?s?\b", "both words, or a neutral turn"),
        (r"\b(parrain(?!é)|affilié|utilisateur)", "the words of docs/glossary.md"),
    ],
)
def test_the_french_is_set_as_the_house_writes_it(fault: str, why: str) -> None:
    told = [french for message in _messages(_french()) for _, french in _texts(message)]
    bare = [HOLE.sub("X", re.sub(r"`[^`]*`|https?://\S+", "", text)) for text in told]
    hits = [text for text in bare if re.search(fault, text)]
    assert hits == [], why


def test_every_act_that_a_room_records_has_words() -> None:
    recorded = set()
    for path in config.ROOT.glob("[a-z]*/*.py"):
        if path.parts[-2] not in {"tests", "migrations", "benchmarks"}:
            recorded |= set(_acts(path))
    assert len(recorded) > 20
    assert recorded - account_words.ACTS.keys() == set()


def _acts(path: Path) -> Iterator[str]:
    """Yield the acts that a file records: the first argument of `audit.record`, or in `_ACTS`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
            named = node.args[0]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_ACTS":
            named = node.value
        else:
            continue
        for part in ast.walk(named):
            if isinstance(part, ast.Constant) and _ACT.fullmatch(str(part.value)):
                yield str(part.value)


def test_a_fresh_clone_compiles_its_texts(tmp_path: Path) -> None:
    folder = tmp_path / "fr/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_bytes(CATALOGUE.read_bytes())
    assert translations.compile_stale(tmp_path) == [folder / "messages.po"]
    assert (folder / "messages.mo").stat().st_size > 1000
    assert [path.name for path in folder.iterdir() if path.suffix == ".part"] == []
    assert translations.compile_stale(tmp_path) == []


def test_french_dates_and_figures(app: Flask) -> None:
    with app.test_request_context("/?lang=fr"):
        assert i18n.day(NOW) == "1er mars 2026"
        assert i18n.day(NOW + timedelta(days=1)) == "2 mars 2026"
        assert i18n.moment(NOW) == "1er mars 2026, 13\u202fh\u202f00"
        assert i18n.month("2026-08") == "août 2026"
        assert i18n.money(193_245, "CHF") == "1\u202f932,45\u00a0CHF"
        assert i18n.percent(0.286) == "28,6\u202f%"


class _Words(HTMLParser):
    """The texts that a page shows or reads out, without what it declares to be English."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.quiet = [False]  # of each element that is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        language = None if tag == "html" else dict(attrs).get("lang")
        is_quiet = self.quiet[-1] if language is None else language == "en"
        if tag not in _VOID:
            self.quiet.append(is_quiet or tag in {"script", "style", "code", "pre"})
        spoken = {"aria-label", "title", "placeholder", "alt"}
        if not is_quiet:
            self.found += [value for name, value in attrs if name in spoken and value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self.quiet.pop()

    def handle_data(self, data: str) -> None:
        if not self.quiet[-1]:
            self.found.append(data)


_VOID = {"br", "circle", "col", "hr", "img", "input", "link", "meta", "path", "wbr"}


def _read(page: str) -> list[str]:
    words = _Words()
    words.feed(page)
    return [" ".join(text.split()) for text in words.found if text.strip()]


class _English:
    """What gives away a text of ours that did not pass through the catalogue."""

    def __init__(self) -> None:
        pairs = [pair for message in _messages(_french()) for pair in _texts(message)]
        both = {english for english, _ in pairs} & {french for _, french in pairs}
        self.whole = {english for english, _ in pairs if not HOLE.search(english)} - both
        self.sentences = [
            re.compile(".+?".join(re.escape(part) for part in HOLE.split(english)))
            for english, _ in pairs
            if english not in both and len(_WORD.findall(HOLE.sub(" ", english))) >= 3
        ]

    def seen(self, page: str) -> set[str]:
        """Return the English that a page shows: whole pieces, or sentences inside them."""
        pieces = _read(page)
        text = "\n".join(pieces)
        found = {piece for piece in pieces if piece in self.whole}
        return found | {hit.group() for one in self.sentences for hit in one.finditer(text)}


_WORD = re.compile(r"[A-Za-z’']{2,}")


def _pages(app: Flask) -> set[str]:
    """Return the addresses of pages for people that need no argument."""
    found = {
        str(rule.rule)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments
    }
    return {path for path in found if not path.startswith(MACHINE)}


def _linked(page: str) -> set[str]:
    """Return the pages that a page leads to, without their questions."""
    found = {link.partition("?")[0] for link in re.findall(r'href="(/[^"#]*)', page)}
    return {path for path in found if path.startswith(("/console", "/portal"))}


def _add_something_of_everything() -> dict[RoleName, User]:
    """Fill the pages with rows, and return a person of each role."""
    people = {role: make_user(role, name="Camille") for role in RoleName}
    owner = make_ambassador(member=make_member(name="Camille Rochat", email="c@example.com"))
    owner.user_id = people[RoleName.AMBASSADOR].id
    make_ambassador(member=make_member(name="Léa Monnier"), status=AmbassadorStatus.INVITED)
    campaign = make_campaign(name="Premiers pas")
    code = make_code("CAMILLE15", ambassador_id=owner.id, campaign_id=campaign.id)
    links.create(campaign_id=campaign.id, ambassador_id=owner.id, slug="camille")
    sold = [purchase_fact(codes=("CAMILLE15",), discount=1_500) for _ in range(3)]
    others = [purchase_fact(email=None), purchase_fact(status="cancelled"),
              purchase_fact(codes=("CAMILLE15",), email="c@example.com")]  # fmt: skip
    intake.take_purchases([*sold, *others])
    intake.take_refunds([refund_fact(sold[0], 4_000), refund_fact(sold[1], 10_000)])
    spend.record(
        [
            spend.line(channel=channel, on=NOW.date(), amount=5_000, currency="EUR", kind=kind,
                       key=channel)
            for channel, kind in (("paid_social", SpendKind.MEDIA), ("community", SpendKind.TOOLS))
        ]
    )  # fmt: skip
    make_key(Scope.READ, Scope.PURCHASES)
    codes.freeze(make_code("VIEUX15").id, reason="fuite")
    assert code.id
    db.session.commit()
    return people


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)  # words do not depend on the database
def test_no_page_in_french_slips_into_english(app: Flask) -> None:
    english = _English()
    people = _add_something_of_everything()
    browsers = {"anonymous": app.test_client()}
    for role, user in people.items():
        browsers[role] = app.test_client()
        sign_in(browsers[role], user)
    slips: dict[str, set[str]] = {}
    read = 0
    for who, browser in browsers.items():
        browser.set_cookie("lang", "fr")
        waiting = _pages(app) - LEAVES
        known: set[str] = set()
        while path := next(iter(sorted(waiting - known)), None):
            known.add(path)
            answer = browser.get(path)
            if answer.mimetype != "text/html" or answer.status_code in range(300, 400):
                continue
            read += 1
            waiting |= _linked(answer.text)
            assert '<html lang="fr"' in answer.text, path
            if seen := english.seen(answer.text):
                slips.setdefault(f"{who} {path}", set()).update(seen)
    assert read > 60
    assert slips == {}
    assert len(english.seen(browsers[RoleName.ADMIN].get("/console?lang=en").text)) > 10


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_what_a_form_says_of_a_wrong_field_is_french(app: Flask) -> None:
    people = _add_something_of_everything()
    browser = app.test_client()
    sign_in(browser, people[RoleName.ADMIN])
    browser.set_cookie("lang", "fr")
    english = _English()
    sent: dict[str, dict[str, str]] = {
        "/console/spend": {"on": "no day", "kind": "nothing", "amount": "x"},
        "/console/ambassadors/new": {"name": "", "kind": "nothing", "joined_on": "no day"},
        "/console/settings/program": {"name": "", "currency": "XXX", "hold_days": "many"},
        "/console/codes/new": {"ambassador": "nobody", "code": "!"},
        "/console/users/new": {"email": "", "roles": "nothing"},
        "/console/keys/new": {"name": "", "scopes": "nothing"},
    }
    draft = str(browser.post("/console/wizard").location).rpartition("/")[0]
    sent[f"{draft}/goal"] = {"name": "", "objective": "nothing", "go": "next"}
    sent[f"{draft}/budget"] = {"starts_on": "no day", "budget": "x", "go": "next"}
    for path, fields in sent.items():
        answer = browser.post(path, data=fields)
        assert answer.status_code == 422, (path, answer.status_code)
        assert english.seen(answer.text) == set(), path
        assert not re.search(r"Not a valid|This field is required|Invalid ", answer.text), path
