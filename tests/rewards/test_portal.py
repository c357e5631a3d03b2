"""The portal: what I share, what it brought, what I earned, and why a purchase counted or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from accounts.users import create as create_user
from ambassadors.models import Ambassador, AmbassadorStatus
from campaigns.models import Campaign
from core.db import db
from integrations import facts
from referrals import links, touches
from referrals.eligibility import Reason
from referrals.models import Click, ClickKind, Code
from rewards import intake, wording
from tests import queries
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    purchase_fact,
    refund_fact,
    sign_in,
)  # fmt: skip


@dataclass
class Me:
    """An ambassador in their browser, with a code and a link."""

    browser: FlaskClient
    ambassador: Ambassador
    campaign: Campaign

    def read(self, path: str = "/portal/", *, lang: str = "en", status: int = 200) -> str:
        answer = self.browser.get(path, query_string={"lang": lang} if "?" not in path else None)
        assert answer.status_code == status, answer.text
        return answer.text


MakeMe = Callable[..., Me]


@pytest.fixture
def make_me(app: Flask) -> MakeMe:
    def make(**overrides: Any) -> Me:
        user = create_user(
            f"{overrides.get('name', 'zoe')}@example.com", roles={RoleName.AMBASSADOR}
        )
        name = overrides.pop("name", "zoe").title() + " Martin"
        ambassador = make_ambassador(member=make_member(name=name), user_id=user.id, **overrides)
        campaign = make_campaign(name="Pear season")
        browser = app.test_client()
        sign_in(browser, user)
        return Me(browser, db.session.get_one(Ambassador, ambassador.id), campaign)

    return make


@pytest.fixture
def me(make_me: MakeMe) -> Me:
    found = make_me()
    make_code("ZOE15", campaign_id=found.campaign.id, ambassador_id=found.ambassador.id)
    links.create(campaign_id=found.campaign.id, ambassador_id=found.ambassador.id, slug="zoe")
    db.session.commit()
    return found


def _buy(*codes: str, **overrides: Any) -> facts.Purchase:
    fact = purchase_fact(codes=codes, **overrides)
    intake.take_purchases([fact])
    db.session.commit()
    return fact


def test_a_new_ambassador_sees_what_will_come_instead_of_nothing(make_me: MakeMe) -> None:
    page = make_me().read()
    assert "No code yet" in page
    assert "Nothing yet" in page


def test_code_link_and_benefit_are_there_with_a_qr_code_without_styles(me: Me) -> None:
    page = me.read()
    assert "ZOE15" in page
    assert "/r/zoe" in page
    assert "15\u202f% off" in page
    assert 'class="qr"' in page
    assert "style=" not in page
    assert "You earn 10\u202f% of the amount after discount" in page


def test_a_purchase_is_told_with_its_money_state_and_why(me: Me) -> None:
    _buy("ZOE15", total=5_420)
    page = me.read()
    assert "EUR\xa054.20" in page
    assert "EUR\xa05.42" in page
    assert "The code ZOE15 was entered at the checkout." in page
    assert "It was their first purchase." in page
    assert "31 March 2026" in page
    assert "1 purchase came through you so far." in page


def test_who_bought_is_never_shown(me: Me) -> None:
    _buy("ZOE15", email="secret.friend@example.com")
    for path in ("/portal/", "/portal/purchases"):
        assert "secret" not in me.read(path)
        assert "order-" not in me.read(path)


def test_a_purchase_that_did_not_count_says_why(me: Me) -> None:
    me.campaign.new_customers_only = True
    db.session.commit()
    _buy(email="ana@example.com", occurred_at=NOW - timedelta(days=400))
    _buy("ZOE15", email="ana@example.com")
    page = me.read()
    assert "not counted" in page
    assert "This person had bought before; the code is for new customers." in page


def test_a_purchase_beyond_the_limit_of_a_code_is_listed_with_its_reason(me: Me) -> None:
    db.session.execute(sa.update(Code).values(uses_limit=1))
    db.session.commit()
    _buy("ZOE15", external_id="first")
    _buy("ZOE15", external_id="second")
    page = me.read()
    assert page.count("not counted") == 1
    assert str(wording.reason(Reason.LIMIT_REACHED)) in page


def test_anothers_code_takes_the_credit_and_stays_unnamed(me: Me) -> None:
    make_code("ANA15")
    _buy("ANA15", "ZOE15")
    page = me.read()
    assert "Another code came first on the order." in page
    assert "ANA15" not in page


def test_a_link_tells_when_it_was_opened(me: Me) -> None:
    link_id = links.of_ambassador(me.ambassador.id)[0].id
    for kind, token in ((ClickKind.VISIT, "t-1"), (ClickKind.BOT, "t-2")):
        db.session.add(
            Click(token=token, link_id=link_id, clicked_at=NOW - timedelta(days=3, hours=1),
                  kind=kind, has_consent=True, is_paid_traffic=False)
        )  # fmt: skip
    db.session.commit()
    _buy(click_token="t-1")
    page = me.read()
    assert "Your link was opened on 26 February 2026, the purchase came 3 days later." in page
    assert 'Visits of your links</th><td class="n">0</td><td class="n pe-0">1</td>' in page


def test_a_refund_takes_the_commission_back_and_says_so(me: Me) -> None:
    fact = _buy("ZOE15")
    intake.take_refunds([refund_fact(fact, 4_000)])
    db.session.commit()
    assert "EUR\xa040.00 were refunded" in me.read()
    intake.take_refunds([refund_fact(fact, 6_000)])
    db.session.commit()
    page = me.read()
    assert "It was refunded, so nothing is left to earn." in page
    assert "clawed back" in page


def test_money_is_told_by_currency_and_never_added_across(me: Me) -> None:
    _buy("ZOE15")
    _buy("ZOE15", currency="CHF", total=20_000)
    page = me.read()
    assert "EUR\xa010.00" in page
    assert "CHF\xa020.00" in page
    assert "30.00" not in page


def test_the_page_speaks_french_figures(me: Me) -> None:
    _buy("ZOE15", total=5_420)
    assert "54,20\xa0EUR" in me.read(lang="fr")


def test_the_list_goes_on_page_by_page_and_misses_nothing(me: Me) -> None:
    for day in range(25):
        _buy("ZOE15", occurred_at=NOW - timedelta(days=day), total=1_000 + day)
    first = me.read("/portal/purchases")
    assert first.count('class="whybox"') == 20
    before = first.split("before=")[1].split('"')[0].split("&")[0]
    second = me.read(f"/portal/purchases?before={before}&lang=en")
    assert second.count('class="whybox"') == 5
    assert "EUR\xa010.24" in second


def test_a_suspended_ambassador_keeps_what_is_earned_and_shares_nothing(make_me: MakeMe) -> None:
    me = make_me(status=AmbassadorStatus.SUSPENDED)
    make_code("ZOE15", campaign_id=me.campaign.id, ambassador_id=me.ambassador.id)
    db.session.commit()
    page = me.read()
    assert "suspended" in page
    assert "ZOE15" not in page


def test_a_qr_code_to_print_is_of_ones_own_link_only(me: Me, make_me: MakeMe) -> None:
    answer = me.browser.get("/portal/qr/zoe.svg")
    assert answer.mimetype == "image/svg+xml"
    other = make_me(name="ana")
    assert other.browser.get("/portal/qr/zoe.svg").status_code == 404


def test_another_ambassador_sees_nothing_of_mine(me: Me, make_me: MakeMe) -> None:
    _buy("ZOE15")
    other = make_me(name="ana")
    for path in ("/portal/", "/portal/share", "/portal/purchases"):
        assert "ZOE15" not in other.read(path)


def test_an_account_without_an_ambassador_is_told_so(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user("ambassador"))
    assert client.get("/portal/").status_code == 404


def test_a_page_stays_within_its_number_of_statements(me: Me) -> None:
    for _ in range(3):
        _buy("ZOE15")
    make_code("ZOE-TWO", ambassador_id=me.ambassador.id)
    db.session.commit()
    for path in ("/portal/", "/portal/purchases", "/portal/share"):
        with queries.counted() as seen:
            me.read(path)
        assert len(seen) <= queries.MOST, "\n".join(seen)


def test_every_reason_has_a_sentence(app: Flask) -> None:
    words = [*touches.Credit, *touches.Loss, *Reason, "cancelled", "overridden", "none"]
    assert [word for word in words if wording.reason(word) == word] == []
