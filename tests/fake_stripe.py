"""A Stripe of our own: a real HTTP server that keeps keys as Stripe does, and fails when told to.

It knows transfers, accounts and account links.  Parameters are checked twice: against
Stripe's OpenAPI where it is at hand, and always against the types inside stripe-python;
unknown and missing ones are refused.  Its clock is `core/clock.py`.

    with FakeStripe() as fake:
        fake.faults["acct_7"] = [Fault.CUT]     # the next call that names acct_7
        settings = dataclasses.replace(settings, stripe_api_base=fake.url, ...)
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from core import clock
from tests import fake_stripe_checks as checks
from tests.fake_server import FakeServer, QuietHandler

KEPT = timedelta(hours=24)  # docs.stripe.com/api/idempotent_requests
MAX_KEY = 255  # characters

Said = dict[str, Any]


class Fault(StrEnum):
    """What goes wrong with one call."""

    REFUSE = "refuse"  # 400, saved under the key: the account cannot take it
    HANG = "hang"  # no answer until the client gives up; nothing is done
    HANG_AFTER = "hang_after"  # the same, but it was done
    BROKEN = "broken"  # 500, saved under the key: nothing is done
    CUT = "cut"  # it is done, then the connection ends without an answer
    BUSY = "busy"  # 429, before the key is looked at
    LOCKED_OUT = "locked_out"  # 401, before the key is looked at
    GARBLED = "garbled"  # it is done, and the answer cannot be read


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the first call under a key said, and what it was answered."""

    path: str
    asked: Said
    status: int
    answer: Said
    at: datetime


@dataclass
class Books:
    """What this Stripe has done; one lock guards all of it."""

    transfers: dict[str, Said] = field(default_factory=dict)
    accounts: dict[str, Said] = field(default_factory=dict)
    keys: dict[str, _Kept] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)  # by account, the next first
    calls: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, key
    links: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class FakeStripe(FakeServer):
    """The server, on a port of its own, for the length of a `with` block."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.books = Books()

    @property
    def faults(self) -> dict[str, list[Fault]]:
        return self.books.faults

    @property
    def transfers(self) -> list[Said]:
        return list(self.books.transfers.values())

    def fulfil(self, account_id: str, **said: Any) -> Said:
        """Let an account's owner tell Stripe all it asks; return the account."""
        account = self.books.accounts[account_id]
        nothing: Said = {"currently_due": [], "past_due": [], "disabled_reason": None}
        account |= {"payouts_enabled": True, "details_submitted": True} | said
        account["requirements"] |= said.get("requirements", nothing)
        return account


class _RefusalError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str, **more: str) -> None:
        self.status = status
        kind = more.pop("type", "invalid_request_error")
        self.body = {"error": {"type": kind, "message": message, **more}}
        super().__init__(message)


class _Handler(QuietHandler):
    fake: FakeStripe

    @property
    def books(self) -> Books:
        return self.fake.books

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._take("GET", urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._take("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    def _take(self, method: str, form: str) -> None:
        path = urlsplit(self.path).path
        key = self.headers.get("Idempotency-Key") if method == "POST" else None
        asked = unfold(form)
        fault = None
        try:
            with self.books.lock:
                self.books.calls.append((method, path, key))
                fault = self._fault(path, asked)
                status, answer = self._answer(method, path, asked, key, fault)
        except _RefusalError as refusal:
            status, answer = refusal.status, refusal.body
        self._end(fault, status, answer)

    def _fault(self, path: str, asked: Said) -> Fault | None:
        who = asked.get("destination") or asked.get("account") or path.rsplit("/", 1)[1]
        waiting = self.books.faults.get(str(who))
        return waiting.pop(0) if waiting else None

    def _answer(
        self, method: str, path: str, asked: Said, key: str | None, fault: Fault | None
    ) -> tuple[int, Said]:
        """Do what is asked, once a key, and return the answer; raises _RefusalError."""
        self._let_in(fault)
        kept = self._kept(path, asked, key)
        if kept is not None:
            return kept.status, kept.answer
        problem = checks.problem(method, path, asked)  # before the key: such answers are not kept
        if problem is not None:
            raise _RefusalError(400, problem.sentence, code=problem.code, param=problem.name)
        if fault is Fault.HANG:
            return 0, {}
        try:
            status, answer = 200, self._done(method, path, asked, fault)
        except _RefusalError as refusal:
            status, answer = refusal.status, refusal.body
        if key:
            # the answer is frozen: what happens to the object later does not show in it
            frozen = json.loads(json.dumps(answer))
            self.books.keys[key] = _Kept(path, asked, status, frozen, clock.now())
        return status, answer

    def _let_in(self, fault: Fault | None) -> None:
        if not (self.headers.get("Authorization") or "").startswith("Bearer sk_"):
            raise _RefusalError(401, "You did not provide an API key.")
        if fault is Fault.LOCKED_OUT:
            raise _RefusalError(401, "Invalid API Key provided: sk_test_******x")
        if fault is Fault.BUSY:
            raise _RefusalError(
                429, "Too many requests hit the API too quickly.", code="rate_limit"
            )

    def _kept(self, path: str, asked: Said, key: str | None) -> _Kept | None:
        if not key:
            return None
        if len(key) > MAX_KEY:
            raise _RefusalError(400, "Idempotency keys are at most 255 characters.")
        kept = self.books.keys.get(key)
        if kept is None or clock.now() - kept.at >= KEPT:
            return None
        if (kept.path, kept.asked) != (path, asked):
            raise _RefusalError(
                400, f"Keys for idempotent requests can only be used with the same parameters "
                f"they were first used with. Try using a key other than '{key}' if you meant to "
                f"execute a different request.", type="idempotency_error",
            )  # fmt: skip
        return kept

    def _done(self, method: str, path: str, asked: Said, fault: Fault | None) -> Said:
        if fault is Fault.BROKEN:
            raise _RefusalError(500, "An unknown error occurred.", type="api_error")
        if fault is Fault.REFUSE:
            raise _RefusalError(
                400, "Your destination account needs to have at least one of the following "
                "capabilities enabled: transfers, crypto_transfers, legacy_payments",
                code="insufficient_capabilities_for_transfer",
            )  # fmt: skip
        match method, path.removeprefix("/v1/").split("/"):
            case "POST", ["transfers"]:
                return self._send(asked)
            case "GET", ["transfers"]:
                return self._list(asked)
            case "POST", ["accounts"]:
                return self._open(asked)
            case "GET", ["accounts", account_id]:
                return self._account(account_id)
            case "POST", ["account_links"]:
                return self._link(asked)
        raise _RefusalError(404, f"Unrecognized request URL ({method}: {path}).")

    def _send(self, asked: Said) -> Said:
        transfer_id = f"tr_{len(self.books.transfers) + 1:024d}"
        made = {
            "id": transfer_id, "object": "transfer", "amount": int(asked["amount"]),
            "amount_reversed": 0, "balance_transaction": f"txn_{transfer_id[3:]}",
            "created": int(clock.now().timestamp()), "currency": asked["currency"],
            "description": asked.get("description"), "destination": asked["destination"],
            "destination_payment": f"py_{transfer_id[3:]}", "livemode": False,
            "metadata": asked.get("metadata", {}), "reversed": False,
            "reversals": {"object": "list", "data": [], "has_more": False,
                          "url": f"/v1/transfers/{transfer_id}/reversals"},
            "source_transaction": None, "source_type": "card",
            "transfer_group": asked.get("transfer_group"),
        }  # fmt: skip
        self.books.transfers[transfer_id] = made
        return made

    def _list(self, asked: Said) -> Said:
        found = [
            one for one in reversed(self.books.transfers.values())
            if asked.get("transfer_group") in {None, one["transfer_group"]}
            and asked.get("destination") in {None, one["destination"]}
        ]  # fmt: skip
        if "starting_after" in asked:
            ids = [one["id"] for one in found]
            found = found[ids.index(asked["starting_after"]) + 1 :]
        limit = int(asked.get("limit", 10))
        return {
            "object": "list", "url": "/v1/transfers", "has_more": len(found) > limit,
            "data": found[:limit],
        }  # fmt: skip

    def _open(self, asked: Said) -> Said:
        account_id = f"acct_{len(self.books.accounts) + 1:016d}"
        due = ["external_account", "individual.dob.day", "tos_acceptance.date"]
        made = {
            "id": account_id, "object": "account", "type": asked["type"],
            "email": asked.get("email"), "country": asked.get("country", "FR"),
            "metadata": asked.get("metadata", {}), "created": int(clock.now().timestamp()),
            "charges_enabled": False, "payouts_enabled": False, "details_submitted": False,
            "capabilities": {"transfers": "inactive"},
            "requirements": {"currently_due": due, "past_due": [], "eventually_due": due,
                             "pending_verification": [], "errors": [], "alternatives": [],
                             "current_deadline": None,
                             "disabled_reason": "requirements.past_due"},
        }  # fmt: skip
        self.books.accounts[account_id] = made
        return made

    def _account(self, account_id: str) -> Said:
        if account_id not in self.books.accounts:
            raise _RefusalError(404, f"No such account: '{account_id}'", code="resource_missing")
        return self.books.accounts[account_id]

    def _link(self, asked: Said) -> Said:
        self._account(asked["account"])
        self.books.links += 1
        now = int(clock.now().timestamp())
        return {
            "object": "account_link", "created": now, "expires_at": now + 300,
            "url": f"https://connect.stripe.com/setup/e/{asked['account']}/{self.books.links}",
        }  # fmt: skip

    def _end(self, fault: Fault | None, status: int, answer: Said) -> None:
        if fault in {Fault.HANG, Fault.HANG_AFTER}:
            self._wait_for_the_client_to_go()
            return
        if fault is Fault.CUT:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        raw = b'{"id": "tr_' if fault is Fault.GARBLED else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _wait_for_the_client_to_go(self) -> None:
        self.close_connection = True
        self.connection.settimeout(0.02)
        while not self.fake.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue
            except OSError:
                return


def unfold(form: str) -> Said:
    """Return the nested parameters of a form: `a[b]=1&c[0]=2` is {"a": {"b": "1"}, "c": ["2"]}."""
    asked: Said = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        first, *inner = [part.rstrip("]") for part in name.split("[")]
        _put(asked, [first, *inner], value)
    return {name: _listed(value) for name, value in asked.items()}


def _put(into: Said, names: list[str], value: str) -> None:
    for name in names[:-1]:
        into = into.setdefault(name, {})
    into[names[-1]] = value


def _listed(value: Any) -> Any:
    """Return a mapping of 0, 1, 2 as the list that it is."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    is_list = bool(inner) and all(re.fullmatch("[0-9]+", name) for name in inner)
    return [inner[name] for name in sorted(inner, key=int)] if is_list else inner


def serving() -> Iterator[FakeStripe]:
    """Yield a server; for a fixture."""
    with FakeStripe() as fake:
        yield fake
