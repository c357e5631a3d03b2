"""Thresholds and contracts in words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from rewards.models_contracts import ThresholdKind

THRESHOLDS = {
    ThresholdKind.CONTRACT: _l("Written contract: pay and gifts of a year, before tax"),
    ThresholdKind.DAS2: _l("DAS2 in France: what was paid in a year"),
    ThresholdKind.NEC: _l("Form 1099-NEC in the United States: what was paid in a year"),
}
STATES = {
    "signed": _l("signed"),
    "to_sign": _l("waits for the signature"),
    "needs_contract": _l("needs a contract"),
    "near": _l("near the threshold"),
    "under": _l("under the threshold"),
}
LOOKS = {  # of the pill
    "signed": "good", "to_sign": "watch", "needs_contract": "alert-now", "near": "pending",
    "under": "plain",
}  # fmt: skip
