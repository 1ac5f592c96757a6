"""Figures of the service for Prometheus, at /metrics."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "readiness_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "readiness_request_seconds",
            "Time to answer",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.leads = Counter(
            "readiness_leads_scored", "Leads scored by POST /v1/score", registry=registry
        )
        self.champion = Gauge(
            "readiness_champion", "1 for what is in use", ["version", "rules"], registry=registry
        )
        self.stale = Gauge(
            "readiness_champion_stale",
            "1 if the champion of now cannot be loaded",
            registry=registry,
        )

    def text(self, version: str | None, rules: str | None, stale: bool) -> bytes:
        """All of them, as Prometheus reads them."""
        self.champion.clear()
        self.champion.labels(version or "none", rules or "none").set(1)
        self.stale.set(stale)
        return generate_latest(self.registry)


class Measured:
    """Counts and times the requests of an app, by route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "") or "static or none"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.metrics.requests.labels(method, route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - begun)


_METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH")
