"""Promo codes: how they are written, made, found and stopped.

A code is matched by its key: accents folded, letters in upper case, spaces and
dashes gone.  Keys and owners never change and no code is ever deleted (the
database refuses it), so a code that was once given means the same for ever.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit, endpoints
from campaigns.models import Campaign
from core import clock, i18n
from core.db import BATCH_ROWS, UtcDateTime, affected, db, is_sqlite
from core.errors import ConflictError, DomainError, NotFoundError
from referrals.models import Code, CodeStatus

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # 31 symbols: no 0 O 1 I L
SHORTEST, LONGEST = 3, 50
DEFAULT_PATTERN = "####-####-####"  # 12 symbols, 59 bits: safe for codes that carry value
_FILL = 0.01  # a bulk job may use this share of its code space

_KEY = re.compile(rf"[A-Z0-9]{{{SHORTEST},{LONGEST}}}\Z")
_TEXT = re.compile(r"[A-Za-z0-9 -]+\Z")
_FREE = re.compile(r"[\s\-‐-―]")  # may stand anywhere in a code
_NEVER = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # no database can look for these
_LOOK_ALIKE = str.maketrans("OIL", "011")
# Not a list of opinions: words that no brand prints, in the two languages of the program.
_REFUSED = (
    "FUCK", "SHIT", "CUNT", "NAZI", "HITLER", "SALOPE", "PUTAIN", "ENCULE", "CONNARD", "NIGG",
)  # fmt: skip


class InvalidCodeError(DomainError):
    """A text that cannot be a code."""

    code = "invalid_code"


class CodeTakenError(ConflictError):
    """The code exists, or one that looks like it."""

    code = "code_taken"


class TooFewCodesError(DomainError):
    """A pattern with too few combinations for the codes asked for."""

    code = "too_few_codes"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text in which each # stands for a random symbol, such as `SUMMER-####`."""

    text: str

    @property
    def places(self) -> int:
        return self.text.count("#")

    @property
    def combinations(self) -> int:
        return int(len(ALPHABET) ** self.places)


def fold(text: str) -> str:
    """Return the key of a code as people write it: `zoé-10` gives `ZOE10`.

    Text that no code can have folds to something that no code has.

    Source: Unicode NFKD, combining marks dropped.
    """
    bare = text
    if not text.isascii():  # most are, and have no accents
        apart = unicodedata.normalize("NFKD", text)
        bare = "".join(c for c in apart if not unicodedata.combining(c))
    return _NEVER.sub("?", _FREE.sub("", bare).upper())


def require_key(text: str) -> str:
    """Return the key of a new code.

    Raises:
        InvalidCodeError: Not 3 to 50 letters and digits, or a word we do not print.
    """
    key = fold(text)
    if not _KEY.match(key):
        raise InvalidCodeError(
            _(
                "Use %(least)s to %(most)s letters and digits, such as ZOE15; dashes are free.",
                least=SHORTEST,
                most=LONGEST,
            )
        )
    if any(word in key for word in _REFUSED):
        raise InvalidCodeError(_("Please choose another word for this code."))
    return key


def create(
    text: str,
    *,
    campaign_id: int,
    ambassador_id: int | None,
    uses_limit: int | None = None,
    replaces_id: int | None = None,
    stripe_promotion_code: str | None = None,
) -> Code:
    """Make one code that a person chose.

    Args:
        text: As people will write it.
        campaign_id: Whose benefits and scope it carries.
        ambassador_id: Who gets the credit; None for a code of nobody.
        uses_limit: Uses in all; the campaign's own limit unless given.
        replaces_id: The leaked code that this one stands in for.
        stripe_promotion_code: Stripe's id of the same code, if it is there too.

    Raises:
        InvalidCodeError: The text cannot be a code.
        CodeTakenError: It exists, or one that reads alike (O and 0, I, L and 1).
        NotFoundError: There is no such campaign.
    """
    key = require_key(text)
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFoundError(_("There is no such campaign."))
    require_distinct(key)
    code = Code(
        key=key, text=readable(text, key), campaign_id=campaign_id, ambassador_id=ambassador_id,
        status=CodeStatus.ACTIVE, status_since=clock.now(), used=0,
        uses_limit=uses_limit if uses_limit is not None else campaign.uses_per_code,
        uses_per_customer=campaign.uses_per_customer, replaces_id=replaces_id,
        stripe_promotion_code=stripe_promotion_code, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(code)
    try:
        db.session.flush()  # somebody may have taken it this instant
    except sa.exc.IntegrityError:
        raise CodeTakenError(_("The code %(code)s exists already.", code=key)) from None
    audit.record("code.create", "code", key, {"campaign": campaign.slug})
    return code


def generate(
    count: int,
    *,
    campaign_id: int,
    pattern: str = DEFAULT_PATTERN,
    ambassador_id: int | None = None,
) -> list[str]:
    """Make many codes at random and return them, sorted.

    They come from the system's cryptographic source and are inserted in the
    order of their keys, so that ids tell nothing about which came first.

    Args:
        count: How many.
        campaign_id: Whose benefits and scope they carry.
        pattern: Each # is a random symbol; the rest is kept.
        ambassador_id: Who gets the credit; None for codes of nobody.

    Raises:
        InvalidCodeError: The pattern cannot make codes.
        TooFewCodesError: The codes would fill more than 1 % of the code space.
        NotFoundError: There is no such campaign.
    """
    shape = require_pattern(pattern, count)
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFoundError(_("There is no such campaign."))
    made = fill(shape, count, campaign=campaign, ambassador_id=ambassador_id)
    audit.record("code.generate", "campaign", campaign.slug, {"count": count, "pattern": pattern})
    return made


def fill(
    shape: Pattern,
    count: int,
    *,
    campaign: Campaign,
    ambassador_id: int | None = None,
    batch_id: int | None = None,
) -> list[str]:
    """Insert so many new codes of a pattern in the order of their keys, and return them so.

    Two statements as a rule.  When a code exists already nothing is kept of the first attempt:
    the taken ones are drawn anew, and all are inserted again in their order.

    Args:
        shape: A pattern that has room for them.
        count: How many.
        campaign: Whose benefits and limits they carry.
        ambassador_id: Who gets the credit; None for codes of nobody.
        batch_id: The job that makes them.
    """
    texts: set[str] = set()
    while True:
        while len(texts) < count:
            texts |= _random_texts(shape, count - len(texts))
        ordered = sorted(texts)
        attempt = db.session.begin_nested()
        if _insert(ordered, campaign, ambassador_id=ambassador_id, batch_id=batch_id) == count:
            attempt.commit()
            return ordered
        attempt.rollback()
        texts -= _existing(ordered)


def require_pattern(text: str, count: int) -> Pattern:
    """Return a pattern that has room for so many codes.

    Raises:
        InvalidCodeError: No # in it, or symbols that codes do not have.
        TooFewCodesError: More than 1 % of its combinations would be used.
    """
    bare = text.replace("#", "X")
    if "#" not in text or not _TEXT.match(bare) or not _KEY.match(fold(bare)):
        raise InvalidCodeError(
            _("A pattern is letters, digits and dashes, with # for each symbol.")
        )
    if any(word in fold(bare) for word in _REFUSED):
        raise InvalidCodeError(_("Please choose another word for this code."))
    pattern = Pattern(text.upper())
    if count > pattern.combinations * _FILL:
        raise TooFewCodesError(
            _(
                "%(pattern)s has %(combinations)s combinations; %(count)s codes would fill more "
                "than 1 %% of them and could be guessed. Add a # or two.",
                pattern=pattern.text,
                combinations=i18n.number(pattern.combinations),
                count=i18n.number(count),
            )
        )
    return pattern


def freeze(code_id: int, *, reason: str) -> Code:
    """Stop a leaked code; orders from now on earn nothing, earlier ones keep their credit.

    Raises:
        NotFoundError: There is no such active code.
    """
    code = db.session.get(Code, code_id, with_for_update=True)
    if code is None or code.status is CodeStatus.FROZEN:
        raise NotFoundError(_("There is no such active code."))
    code.status, code.status_since = CodeStatus.FROZEN, clock.now()
    audit.record("code.freeze", "code", code.key, {"reason": reason})
    _tell_frozen(code, reason)
    return code


def _tell_frozen(code: Code, reason: str) -> None:
    said = {
        "code": code.text, "campaign": code.campaign_id, "ambassador": code.ambassador_id,
        "reason": reason, "frozen_at": clock.now().isoformat(),
    }  # fmt: skip
    happened = endpoints.Event(key=f"{code.id}:{said['frozen_at']}", data=said)
    endpoints.tell("code.frozen", [happened])


def replace(code_id: int, text: str, *, reason: str) -> Code:
    """Freeze a code and give its owner another; raises as `freeze` and `create` do."""
    return create_replacement(freeze(code_id, reason=reason), text)


def create_replacement(old: Code, text: str) -> Code:
    """Give the owner of a stopped code another; raises as `create` does."""
    return create(
        text, campaign_id=old.campaign_id, ambassador_id=old.ambassador_id, replaces_id=old.id
    )


def suggest_replacement(code: Code) -> str:
    """Return a text for the code that stands in for a leaked one: the same name, other symbols."""
    stem = re.sub(r"[\d-]+[A-Z0-9]{0,4}$", "", code.text)[:40] or "CODE"
    return f"{stem}-{''.join(secrets.choice(ALPHABET) for _n in range(4))}"


def find(text: str) -> Code | None:
    """Return the code that a person means, or None."""
    return db.session.scalar(sa.select(Code).where(Code.key == fold(text)))


def of_ambassador(ambassador_id: int) -> list[Code]:
    """Return an ambassador's codes, newest first."""
    query = sa.select(Code).where(Code.ambassador_id == ambassador_id).order_by(Code.id.desc())
    return list(db.session.scalars(query))


def require_distinct(key: str) -> None:
    """Refuse a key that exists or reads like one: O as 0, I and L as 1.

    Raises:
        CodeTakenError: It does, and says which.
    """
    like = re.sub("[O0IL1]", "_", key)
    rivals = db.session.scalars(sa.select(Code.key).where(Code.key.like(like)))
    for rival in rivals:
        if rival.translate(_LOOK_ALIKE) == key.translate(_LOOK_ALIKE):
            raise CodeTakenError(
                _(
                    "The code %(code)s reads like %(rival)s, which exists already.",
                    code=key,
                    rival=rival,
                )
            )


def readable(text: str, key: str) -> str:
    """Return the text in capitals with its dashes, if it holds nothing else."""
    written = "-".join(text.upper().split())
    return written if fold(written) == key and _TEXT.match(written) else key


def _random_texts(pattern: Pattern, count: int) -> set[str]:
    """Return so many different texts of a pattern, without words that we do not print."""
    texts: set[str] = set()
    while len(texts) < count:
        texts |= _printable(_lines(pattern, count - len(texts)))
    return texts


def _lines(pattern: Pattern, count: int) -> bytes:
    """Return so many texts of a pattern, each with a line end.

    All of them lie in one block, and each # is a column of it: a column is written at once.
    """
    line = f"{pattern.text}\n".encode()
    symbols, block = _symbols(pattern.places * count), bytearray(line * count)
    columns = [place for place, symbol in enumerate(pattern.text) if symbol == "#"]
    for number, place in enumerate(columns):
        block[place :: len(line)] = symbols[number :: len(columns)]
    return bytes(block)


def _symbols(count: int) -> bytes:
    """Return so many random symbols.

    A random byte below 248 picks one of 31 evenly (8 x 31 = 248); the others are thrown away.
    """
    symbols = b""
    while len(symbols) < count:
        more = count - len(symbols)
        symbols += os.urandom(more * 9 // 8 + 64).translate(_TABLE, _TOO_LARGE)
    return symbols[:count]


def _printable(lines: bytes) -> set[str]:
    """Return the texts of a block but those with a word that we do not print."""
    texts = lines.decode().splitlines()
    bare = lines.translate(None, b"- ").decode()  # one look at all of them
    found = [word for word in _REFUSED if word in bare]
    if not found:
        return set(texts)
    keys = bare.splitlines()
    return {text for text, key in zip(texts, keys, strict=True) if not _holds(key, found)}


def _holds(key: str, words: list[str]) -> bool:
    return any(word in key for word in words)


_TABLE = bytes(ord(ALPHABET[value % 31]) for value in range(256))
_TOO_LARGE = bytes(range(248, 256))

# One statement for thousands of rows: the texts come as one value, the rest is said once.
_BULK = """
    INSERT INTO code (key, text, campaign_id, ambassador_id, status, status_since, used,
                      uses_limit, uses_per_customer, batch_id, created_at)
    SELECT replace(replace(given.value, '-', ''), ' ', ''), given.value, :campaign_id,
           {ambassador_id}, :status, :now, 0, {uses_limit}, {uses_per_customer}, {batch_id}, :now
    FROM {source} WHERE true ON CONFLICT (key) DO NOTHING
"""
_OPTIONAL = ("ambassador_id", "uses_limit", "uses_per_customer", "batch_id")
_BULK_SQLITE = sa.text(
    _BULK.format(source="json_each(:texts) AS given", **{name: f":{name}" for name in _OPTIONAL})
).bindparams(sa.bindparam("now", type_=UtcDateTime()))
_BULK_POSTGRESQL = sa.text(
    _BULK.format(
        source="unnest(CAST(:texts AS text[])) AS given (value)",
        **{name: f"CAST(:{name} AS bigint)" for name in _OPTIONAL},
    )
).bindparams(sa.bindparam("now", type_=UtcDateTime()))


def _insert(
    texts: list[str], campaign: Campaign, *, ambassador_id: int | None, batch_id: int | None
) -> int:
    """Insert the codes that do not exist yet, in this order, and return how many these were."""
    values = {
        "texts": json.dumps(texts) if is_sqlite() else texts, "campaign_id": campaign.id,
        "ambassador_id": ambassador_id, "status": CodeStatus.ACTIVE.value, "now": clock.now(),
        "uses_limit": campaign.uses_per_code, "uses_per_customer": campaign.uses_per_customer,
        "batch_id": batch_id,
    }  # fmt: skip
    statement = _BULK_SQLITE if is_sqlite() else _BULK_POSTGRESQL
    return affected(db.session.execute(statement, values))


def _existing(texts: list[str]) -> set[str]:
    """Return those of these texts whose codes exist."""
    text_of = {text.replace("-", "").replace(" ", ""): text for text in texts}
    keys, found = list(text_of), set[str]()
    for start in range(0, len(keys), BATCH_ROWS):
        some = sa.select(Code.key).where(Code.key.in_(keys[start : start + BATCH_ROWS]))
        found |= {text_of[key] for key in db.session.scalars(some)}
    return found


def draw(pattern: Pattern, count: int) -> set[str]:
    """Return so many different texts of a pattern, none with a word that we do not print.

    Raises:
        InvalidCodeError: The pattern itself has such a word.
    """
    if any(word in fold(pattern.text) for word in _REFUSED):
        raise InvalidCodeError(_("Please choose another word for this code."))
    return _random_texts(pattern, count)
