"""Counts for Prometheus: of this process, and read from the database when asked."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

REGISTRY = CollectorRegistry()
CONTENT_TYPE = CONTENT_TYPE_LATEST
WEBHOOKS_REFUSED = Counter(
    "cercle_webhooks_refused", "Webhooks with a wrong or late signature.", ["provider"],
    registry=REGISTRY,
)  # fmt: skip


def text(gauges: Mapping[str, tuple[str, Mapping[str, float]]]) -> bytes:
    """Return everything in Prometheus' format.

    Args:
        gauges: By name: what it means, and its value for each state.
    """
    asked = CollectorRegistry()
    asked.register(_Asked(gauges))
    return generate_latest(REGISTRY) + generate_latest(asked)


class _Asked:
    def __init__(self, gauges: Mapping[str, tuple[str, Mapping[str, float]]]) -> None:
        self._gauges = gauges

    def collect(self) -> list[GaugeMetricFamily]:
        families = []
        for name, (meaning, values) in self._gauges.items():
            family = GaugeMetricFamily(name, meaning, labels=["state"])
            for state, value in values.items():
                family.add_metric([state], value)
            families.append(family)
        return families
