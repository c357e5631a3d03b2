"""Promotion codes at Stripe, against a server that answers as Stripe does."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core import config
from integrations import stripe_codes

PAYLOAD = {
    "act": "make", "exchange": 1, "code": "ABCD-EFGH-JKMN", "coupon": "cercle-rewards-1250bp",
    "percent": 1250, "amount": None, "currency": "CHF", "minimum": 2000,
    "expires_at": 1_800_000_000,
}  # fmt: skip


class Fake(BaseHTTPRequestHandler):
    """Remembers what it was asked, and each idempotency key's answer."""

    coupons: dict[str, dict[str, Any]]
    made: dict[str, dict[str, Any]]
    calls: list[tuple[str, str, dict[str, str], str | None]]

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path.startswith("/v1/coupons/"):
            found = self.coupons.get(path.path.rsplit("/", 1)[1])
            missing = {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
            return self.say(200, found) if found else self.say(404, missing)
        wanted = parse_qs(path.query)["code"][0]
        data = [one for one in self.made.values() if one["code"] == wanted]
        return self.say(200, {"object": "list", "data": data, "has_more": False, "url": "/"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = {name: values[0] for name, values in parse_qs(body).items()}
        key = self.headers.get("Idempotency-Key")
        self.calls.append(("POST", self.path, said, key))
        if self.path == "/v1/coupons":
            self.coupons[said["id"]] = {"id": said["id"], "object": "coupon"}
            return self.say(200, self.coupons[said["id"]])
        if self.path == "/v1/promotion_codes":
            one = {"id": "promo_1", "object": "promotion_code", "code": said["code"],
                   "metadata": {"cercle_key": said["metadata[cercle_key]"]}}  # fmt: skip
            self.made["promo_1"] = one
            return self.say(200, one)
        return self.say(200, {"id": self.path.rsplit("/", 1)[1], "object": "promotion_code"})

    def say(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[type[Fake]]:
    fake = type("Own", (Fake,), {"coupons": {}, "made": {}, "calls": []})
    served = ThreadingHTTPServer(("127.0.0.1", 0), fake)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    fake.url = f"http://127.0.0.1:{served.server_port}"  # type: ignore[attr-defined]
    yield fake
    served.shutdown()
    thread.join()
    served.server_close()


def maker(server: Any) -> stripe_codes.Maker:
    settings = dataclasses.replace(
        config.load(), stripe_secret_key="sk_test_x", stripe_api_base=server.url
    )
    found = stripe_codes.maker(settings)
    assert found is not None
    return found


def test_a_code_is_made_once_with_its_coupon_limit_end_and_key(server: Any) -> None:
    make = maker(server)
    assert make(PAYLOAD, "promotion-code:7") == "promo_1"
    assert make(PAYLOAD, "promotion-code:7") == "promo_1"  # found by its text
    posted = [(path, key) for _, path, _, key in server.calls]
    assert posted == [
        ("/v1/coupons", "coupon:cercle-rewards-1250bp"),
        ("/v1/promotion_codes", "promotion-code:7"),
    ]
    coupon, code = (said for _, _, said, _ in server.calls)
    assert (coupon["percent_off"], coupon["duration"]) == ("12.5", "once")
    assert code["max_redemptions"] == "1"
    assert code["promotion[coupon]"] == "cercle-rewards-1250bp"
    assert code["expires_at"] == "1800000000"
    assert code["restrictions[minimum_amount]"] == "2000"


def test_a_code_of_somebody_else_is_not_taken_for_ours(server: Any) -> None:
    make = maker(server)
    make(PAYLOAD, "promotion-code:7")
    with pytest.raises(stripe_codes.NotAsAskedError):
        make(PAYLOAD, "promotion-code:8")


def test_a_code_is_stopped_under_its_key(server: Any) -> None:
    stop = {"act": "stop", "promotion_code": "promo_9"}
    assert maker(server)(stop, "promotion-code:7:stop") == "promo_9"
    ((_, path, said, key),) = server.calls
    assert (path, said, key) == (
        "/v1/promotion_codes/promo_9", {"active": "false"}, "promotion-code:7:stop",
    )  # fmt: skip


def test_without_a_key_only_the_demo_has_a_fake() -> None:
    bare = dataclasses.replace(config.load(), stripe_secret_key=None, mode="production")
    assert stripe_codes.maker(bare) is None
    fake = stripe_codes.maker(dataclasses.replace(bare, mode="demo"))
    assert fake is not None
    assert fake(PAYLOAD, "a") == fake(PAYLOAD, "a") != fake(PAYLOAD, "b")
