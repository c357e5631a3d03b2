"""The audit log in words: each act and each kind of object that any room records.

A test walks the sources and holds this list complete; an act that is not here
(one that an older version recorded) stands for itself.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

ACTS = {
    "ambassador.access": _l("Access to the portal given"),
    "ambassador.activate": _l("Ambassador activated"),
    "ambassador.change": _l("Ambassador's kind changed"),
    "ambassador.enrol": _l("Ambassador enrolled"),
    "ambassador.export": _l("Ambassadors exported"),
    "ambassador.import": _l("Ambassadors imported"),
    "ambassador.leave": _l("Ambassador has left"),
    "ambassador.suspend": _l("Ambassador suspended"),
    "ambassadors.import": _l("Ambassadors imported"),
    "application.approve": _l("Application approved"),
    "application.decline": _l("Application declined"),
    "application.list": _l("Application put on the waiting list"),
    "application.take_back": _l("Decision on an application taken back"),
    "application_page.change": _l("Application page changed"),
    "attribution.override": _l("Attribution decided by hand"),
    "audit.export": _l("Audit log exported"),
    "campaign.change": _l("Campaign changed"),
    "campaign.create": _l("Campaign created"),
    "campaign.end": _l("Campaign ended"),
    "campaign.pause": _l("Campaign paused"),
    "campaign.start": _l("Campaign started"),
    "charter.publish": _l("Charter published"),
    "circle.change": _l("Circle changed"),
    "circle.create": _l("Circle created"),
    "circle.join": _l("Member put into a circle"),
    "circle.leave": _l("Member taken out of a circle"),
    "code.create": _l("Code created"),
    "code.decline": _l("Wished code declined"),
    "code.export": _l("Codes downloaded"),
    "code.freeze": _l("Code frozen"),
    "code.generate": _l("Codes generated"),
    "code.generate.cancel": _l("Making of codes stopped"),
    "code.give": _l("Codes given to ambassadors"),
    "code.signal": _l("Sign of a leak decided"),
    "content.thank": _l("Published content seen and thanked for"),
    "customers.import": _l("Customers imported"),
    "demo.load": _l("Demo loaded"),
    "inbox.replay": _l("Message replayed"),
    "key.create": _l("API key made"),
    "key.revoke": _l("API key revoked"),
    "member.change": _l("Member changed"),
    "passkey.add": _l("Passkey added"),
    "passkey.remove": _l("Passkey removed"),
    "payout_detail.change": _l("Payout details changed"),
    "privacy.ask": _l("Copy of personal data asked for"),
    "privacy.erase": _l("Personal data erased"),
    "privacy.export": _l("Copy of personal data fetched"),
    "profile.prove": _l("Profile proven"),
    "member.mark": _l("Member tagged or noted"),
    "members.act": _l("Act on a list"),
    "members.undo": _l("Act on a list undone"),
    "message.create": _l("Message written"),
    "message.send": _l("Message sent to its audience"),
    "program.change": _l("Rules of the program changed"),
    "purchases.import": _l("Purchases imported"),
    "purchases.import.cancel": _l("Import of purchases stopped"),
    "purchases.import.download": _l("Refused lines downloaded"),
    "purchases.import.start": _l("Import of purchases started"),
    "question.answer": _l("Question of an ambassador answered"),
    "report.export": _l("Report exported"),
    "segment.change": _l("Segment changed"),
    "segment.create": _l("Segment saved"),
    "spend.export": _l("Spend exported"),
    "spend.import": _l("Spend imported"),
    "spend.record": _l("Spend recorded"),
    "suppression.lift": _l("Address written to again"),
    "user.create": _l("Account created"),
    "user.end_sessions": _l("Signed out everywhere"),
    "user.password": _l("Password set"),
    "user.restore": _l("Access restored"),
    "user.roles": _l("Roles changed"),
    "user.suspend": _l("Access suspended"),
}
OBJECTS = {
    "ambassador": _l("ambassador"),
    "application": _l("application"),
    "audit": _l("audit log"),
    "bulk_act": _l("act on a list"),
    "campaign": _l("campaign"),
    "charter": _l("charter"),
    "circle": _l("circle"),
    "code": _l("code"),
    "customer": _l("customer"),
    "delivery": _l("message"),
    "file": _l("file"),
    "job": _l("job"),
    "key": _l("key"),
    "member": _l("member"),
    "message": _l("message to members"),
    "program": _l("program"),
    "purchase": _l("purchase"),
    "report": _l("report"),
    "segment": _l("segment"),
    "spend": _l("spend"),
    "suppression": _l("address"),
    "user": _l("account"),
}


def act(word: str) -> str:
    """Return an act in words: `code.freeze` gives `Code stopped`."""
    return str(ACTS.get(word, word))


def object_kind(word: str) -> str:
    """Return what was acted on, in words."""
    return str(OBJECTS.get(word, word))
