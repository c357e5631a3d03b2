"""Forms: what a verb refuses is shown beside the field it speaks of."""

from __future__ import annotations

from typing import Any

from core.errors import DomainError


def show(form: Any, error: DomainError) -> None:
    """Put a refusal on the form: each fault at the field its pointer names, the rest above.

    Args:
        form: A Flask-WTF form whose fields are named as the verb's pointers are.
        error: What the verb said.
    """
    placed = False
    for fault in error.faults:
        name = fault.pointer.strip("/").split("/")[0]
        if name in form:
            form[name].errors = [*form[name].errors, fault.detail]
            placed = True
    if not placed:
        form.form_errors.append(error.detail)


def words(text: str | None) -> tuple[str, ...]:
    """Return the words of a text separated by commas, semicolons or spaces."""
    return tuple((text or "").replace(",", " ").replace(";", " ").split())
