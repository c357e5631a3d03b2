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
    "attribution.override": _l("Attribution decided by hand"),
    "audit.export": _l("Audit log exported"),
    "campaign.change": _l("Campaign changed"),
    "campaign.create": _l("Campaign created"),
    "campaign.end": _l("Campaign ended"),
    "campaign.pause": _l("Campaign paused"),
    "campaign.start": _l("Campaign started"),
    "mention.set": _l("Mention set"),
    "code.create": _l("Code created"),
    "code.freeze": _l("Code stopped"),
    "code.generate": _l("Codes generated"),
    "customers.import": _l("Customers imported"),
    "demo.load": _l("Demo loaded"),
    "inbox.replay": _l("Message replayed"),
    "key.create": _l("API key made"),
    "key.revoke": _l("API key revoked"),
    "member.change": _l("Member changed"),
    "program.change": _l("Rules of the program changed"),
    "purchases.import": _l("Purchases imported"),
    "purchases.import.cancel": _l("Import of purchases stopped"),
    "purchases.import.download": _l("Refused lines downloaded"),
    "purchases.import.start": _l("Import of purchases started"),
    "report.export": _l("Report exported"),
    "spend.export": _l("Spend exported"),
    "spend.import": _l("Spend imported"),
    "spend.record": _l("Spend recorded"),
    "user.create": _l("Account created"),
    "user.end_sessions": _l("Signed out everywhere"),
    "user.password": _l("Password set"),
    "user.restore": _l("Access restored"),
    "user.roles": _l("Roles changed"),
    "user.suspend": _l("Access suspended"),
}
OBJECTS = {
    "ambassador": _l("ambassador"),
    "audit": _l("audit log"),
    "campaign": _l("campaign"),
    "mention": _l("mention"),
    "code": _l("code"),
    "delivery": _l("message"),
    "file": _l("file"),
    "job": _l("import"),
    "key": _l("key"),
    "member": _l("member"),
    "program": _l("program"),
    "purchase": _l("purchase"),
    "report": _l("report"),
    "spend": _l("spend"),
    "user": _l("account"),
}


def act(word: str) -> str:
    """Return an act in words: `code.freeze` gives `Code stopped`."""
    return str(ACTS.get(word, word))


def object_kind(word: str) -> str:
    """Return what was acted on, in words."""
    return str(OBJECTS.get(word, word))
