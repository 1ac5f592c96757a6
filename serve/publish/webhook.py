"""The webhook of movers: JSON, signed as Standard Webhooks is, delivered at least once.

Messages wait in the outbox (models/decisions/outbox.py) until the receiver answers 2xx. The header
`webhook-id` is the same for every attempt: the idempotency key. The signature is HMAC-SHA256 over
`id.timestamp.body`, by the secret: what follows whsec_ as base64, any other text as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any

from features.config import Webhook
from features.cutoffs import utc_now
from features.environment import from_environment
from features.errors import BadInput
from features.masking import remember_secret, without_secrets
from features.result_json import to_json
from models.decisions import outbox
from models.decisions.outbox import Message
from models.decisions.store import open_decisions, transaction
from serve.ledger.ledger import Ledger
from serve.movers.moves import Movers, stored_movers

BATCH = 500  # movers of one message
KEEP_DAYS = 30  # of a message, delivered or not
SECONDS = 60.0  # the most that one publishing spends on deliveries
TIMEOUT = 10.0  # of one attempt
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # before further attempts
PASSING = (408, 425, 429)  # answers below 500 after which another attempt may succeed


@dataclass(frozen=True)
class Delivery:
    """What became of the messages: new ones, delivered ones, those that wait for the next
    publishing, those that were too old; error: of the first that waits, else None."""

    new: int
    delivered: int
    waiting: int
    dropped: int
    error: str | None


class _Redirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """A signed message goes where the settings say and nowhere else."""


_OPENER = urllib.request.build_opener(_Redirect)


def receiver(settings: Webhook) -> tuple[str, bytes]:
    """The address, and the bytes to sign with. Raises BadInput for what cannot be used of them."""
    secret = from_environment(settings.secret, "publish.webhook.secret")
    remember_secret(secret)
    url = from_environment(settings.url, "publish.webhook.url")
    if url != settings.url:
        remember_secret(url)
    return url, signing_key(secret)


def publish_movers(settings: Webhook, ledger: Ledger, dry_run: bool) -> Delivery:
    """Store the movers of every list since the last message, and deliver what waits.

    dry_run: only count. Raises BadInput for a secret or address that cannot be used. A receiver
    that does not accept is no error here: `waiting` counts it.
    """
    url, key = receiver(settings)
    if dry_run and not ledger.place.has_decisions:
        return Delivery(len(list(_messages(ledger, [], None))), 0, 0, 0, None)
    with open_decisions(ledger.place) as store:
        if dry_run:
            new = _news(store, ledger)
            return Delivery(len(new), 0, len(outbox.undelivered(store)), 0, None)
        with transaction(store):
            dropped = outbox.delete_before(store, utc_now() - timedelta(days=KEEP_DAYS))
            new = _news(store, ledger)
            for message in new:
                outbox.add(store, message)
        waiting = outbox.undelivered(store)
        delivered, error = 0, None
        deadline = time.monotonic() + SECONDS
        for message in waiting:
            failure = _attempts(store, message, url, key, deadline)
            delivered += failure is None
            error = error or failure
            if time.monotonic() >= deadline:
                break
    return Delivery(len(new), delivered, len(waiting) - delivered, dropped, error)


def _news(store: Any, ledger: Ledger) -> list[Message]:
    return list(_messages(ledger, store, outbox.newest_cutoff(store)))


def _messages(ledger: Ledger, store: Any, since: datetime | None) -> Iterator[Message]:
    """Of each list since the last message (of the newest alone where there was none) its movers
    that no message names. The id is of list and batch, whichever run first stores it."""
    newest = ledger.newest_cutoff()
    cutoffs = sorted({each.cutoff for each in ledger.runs})
    for cutoff in cutoffs if since else [newest]:
        if since and cutoff < since:
            continue
        movers = stored_movers(ledger, ledger.as_seen(cutoff).run)
        before = outbox.of_cutoff(store, cutoff) if since else []
        sent = {
            (each["lead_id"], each["moved"])
            for message in before
            for each in json.loads(message.payload)["data"]["movers"]
        }
        pairs = zip(movers.rows["lead_id"], movers.rows["moved"], strict=True)
        rows = movers.rows[[pair not in sent for pair in pairs]]
        for start in range(0, len(rows), BATCH):
            number = len(before) + 1 + start // BATCH
            yield _message(movers, rows.iloc[start : start + BATCH], number)


def _message(movers: Movers, rows: Any, batch: int) -> Message:
    run = movers.run
    name = f"{run.cutoff.isoformat()}|{run.model_version}|{run.rules_version}|{batch}"
    now = utc_now()
    data = to_json(Movers(run, movers.before, rows)) | {"batch": batch}
    payload = {"type": "leads.moved", "timestamp": f"{now.isoformat()}Z", "data": data}
    return Message(
        message_id=f"msg_{hashlib.sha256(name.encode()).hexdigest()[:32]}",
        cutoff=run.cutoff,
        payload=json.dumps(payload, allow_nan=False),
        created_at=now,
    )


def _attempts(store: Any, message: Message, url: str, key: bytes, deadline: float) -> str | None:
    """Try to deliver a message, again after ever longer pauses where that may help; why it was not
    accepted, None where it was."""
    for pause in (*PAUSES, None):
        left = deadline - time.monotonic()
        if left <= 0:
            return f"not delivered within {SECONDS:.0f} seconds"
        failure, may_pass = _send(message, url, key, min(TIMEOUT, left))
        with transaction(store):
            outbox.note(store, message, None if failure else utc_now(), failure)
        if failure is None or not may_pass or pause is None:
            return failure
        if time.monotonic() + pause >= deadline:
            return failure
        time.sleep(pause)
    return None


def _send(message: Message, url: str, key: bytes, timeout: float) -> tuple[str | None, bool]:
    """One attempt: why it failed, and whether another may succeed."""
    body = message.payload.encode()
    timestamp = int(time.time())
    headers = {
        "content-type": "application/json",
        "user-agent": "sales-readiness",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(key, message.message_id, timestamp, body),
    }
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with _OPENER.open(request, timeout=timeout) as answer:
            answer.read(1)
        return None, False
    except urllib.error.HTTPError as error:
        error.close()
        what = "redirects elsewhere, which is refused" if 300 <= error.code < 400 else "answered"
        return f"{what} {error.code}", error.code >= 500 or error.code in PASSING
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return without_secrets(f"cannot be reached: {reason}"), not isinstance(error, ValueError)


def signing_key(secret: str) -> bytes:
    """The bytes to sign with. Raises BadInput for an empty secret, and for no base64 after whsec_.

    >>> signing_key("whsec_c2VjcmV0"), signing_key("a secret")
    (b'secret', b'a secret')
    """
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise BadInput("publish.webhook.secret: what follows whsec_ is no base64.") from None
    if not key:
        raise BadInput("publish.webhook.secret is empty: anybody could sign with it.")
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
