"""OpenTelemetry's own SDK, keeping everything in memory; its providers are set once for a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from attrs import frozen
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from posthouse_sandbox import Sandbox, SmtpDoor

Point = NumberDataPoint | HistogramDataPoint


@frozen
class Telemetry:
    """What was recorded."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> list[ReadableSpan]:
        """Ended spans in the order in which they began."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def points(self, name: str) -> list[tuple[Mapping[str, Any], Point]]:
        """The measurements of a metric since the beginning of the process."""
        data = self.reader.get_metrics_data()
        return [
            (dict(point.attributes or {}), point)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
            if isinstance(point, Point)
        ]


@pytest.fixture(scope="session")
def sdk() -> Telemetry:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    return Telemetry(exporter, reader)


@pytest.fixture
def telemetry(sdk: Telemetry) -> Telemetry:
    sdk.exporter.clear()
    return sdk


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(doors=[SmtpDoor("smtp-plain")]) as running:
        yield running


@pytest.fixture
def port(sandbox: Sandbox) -> int:
    sandbox.inbox.clear()
    door = sandbox.door("smtp-plain")
    assert isinstance(door, SmtpDoor)
    return door.port
