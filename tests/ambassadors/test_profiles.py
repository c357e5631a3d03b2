"""Social profiles: proven by a code on the page, seen by a person or by the worker."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from ambassadors import applications, jobs_applications, profiles
from ambassadors.models_recruiting import ProofState, SocialProfile
from core.db import db
from integrations.public_pages import PageError
from tests.ambassadors.test_applications import applied, mails, opened


def begun(email: str = "zoe@example.com") -> SocialProfile:
    one = applied(opened(), email, profile="https://pages.example/zoe")
    db.session.commit()
    return profiles.of_applications({one.id})[one.id]


def states() -> list[ProofState]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(SocialProfile.state).order_by(SocialProfile.id)))


def proofs() -> list[str]:
    query = sa.select(AuditLine).where(AuditLine.act == "profile.prove").order_by(AuditLine.id)
    return [line.details["how"] for line in db.session.scalars(query)]


def test_the_code_for_the_bio_comes_with_the_word_of_thanks(app: Flask) -> None:
    profile = begun()
    assert profile.code.startswith("cercle-")
    assert profile.state is ProofState.ASKED
    (mail,) = mails()
    assert profile.code in mail.payload["text"]
    assert "pages.example" not in mail.payload["text"]  # a stranger's address is not passed on


def test_the_worker_looks_only_when_asked_and_notes_what_it_saw(app: Flask) -> None:
    profile = begun()
    seen: list[tuple[str, str]] = []

    def look(address: str, code: str) -> bool:
        assert not db.session.registry().in_transaction()
        seen.append((address, code))
        return True

    assert jobs_applications.check_profiles(look) == 0
    profiles.ask_check(profile)
    db.session.commit()
    assert jobs_applications.check_profiles(look) == 1
    assert jobs_applications.check_profiles(look) == 0
    assert seen == [("https://pages.example/zoe", profile.code)]
    assert states() == [ProofState.PROVEN]
    assert proofs() == ["page"]


def test_a_page_without_the_code_and_one_that_does_not_answer_are_told_apart(app: Flask) -> None:
    for answer, state in ((False, ProofState.MISSING), (None, ProofState.UNREACHABLE)):
        profile = begun(f"{state}@example.com")
        profiles.ask_check(profile)
        db.session.commit()

        def look(_address: str, _code: str, answer: bool | None = answer) -> bool:
            if answer is None:
                raise PageError("no connection")
            return answer

        assert jobs_applications.check_profiles(look) == 1
        assert states()[-1] is state
    assert proofs() == []


def test_what_a_person_confirmed_meanwhile_stands(app: Flask) -> None:
    profile = begun()
    profiles.ask_check(profile)
    db.session.commit()

    def look(_address: str, _code: str) -> bool:
        profiles.confirm(profiles.get(profile.id))
        db.session.commit()
        return False

    assert jobs_applications.check_profiles(look) == 0
    assert states() == [ProofState.PROVEN]
    assert proofs() == ["person"]
    with pytest.raises(profiles.ProfileError):
        profiles.ask_check(profiles.get(profile.id))


def test_a_profile_is_deleted_with_its_application(app: Flask) -> None:
    profile = begun()
    application = applications.get(profile.application_id)
    db.session.execute(sa.delete(type(application)))
    assert states() != []
    db.session.execute(sa.delete(type(application)))
    db.session.commit()
    assert states() == []
