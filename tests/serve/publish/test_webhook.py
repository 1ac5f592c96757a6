"""Movers reach a receiver on this machine at least once, signed, whatever fails in between."""

import base64
import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from features.errors import BadInput
from features.masking import without_secrets
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.publish import webhook as module
from serve.publish.publish import publish
from serve.publish.webhook import signature, signing_key
from tests.serve.publish.lists import MONDAY, NEXT, config_of, write

SECRET = "whsec_" + base64.b64encode(b"a key of the tests").decode()


class Receiver(ThreadingHTTPServer):
    """Answers by `answers` in turn, then 204; keeps what came."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.requests = [], []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((headers, body))
        code = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(code)
        if 300 <= code < 400:
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver(monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0.01, 0.01))
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def moved(place, **lists):
    """A ledger in which lead b took the place of lead a, and c has been closed."""
    with open_ledger(place) as ledger:
        write(ledger, MONDAY, {"a": 0.9, "b": 0.2, "c": 0.1})
        write(ledger, NEXT, {"a": 0.3, "b": 0.8})
        yield ledger


def config_to(receiver, folder):
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    return config_of(folder, f'[publish.webhook]\nurl = "{url}"\nsecret = "${{WEBHOOK_SECRET}}"\n')


def verified(headers, body):
    """By the words of the standard: HMAC-SHA256 over id.timestamp.body, in base64."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"a key of the tests", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    return json.loads(body)


def test_a_receiver_that_fails_first_gets_the_same_message_again(receiver, place, tmp_path):
    receiver.answers = [503, 429]
    config = config_to(receiver, tmp_path / "project")
    with moved(place) as ledger:
        sent = publish(config, ledger).webhook
        assert (sent.new, sent.delivered, sent.waiting, sent.error) == (1, 1, 0, None)
        assert len(receiver.requests) == 3
        assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1
        assert len({body for _, body in receiver.requests}) == 1
        message = verified(*receiver.requests[-1])
        assert message["type"] == "leads.moved"
        movers = {each["lead_id"]: each for each in message["data"]["movers"]}
        assert {lead: each["moved"] for lead, each in movers.items()} == {
            "a": "off the list",
            "b": "newly hot; on the list",
        }
        assert (movers["b"]["readiness_before"], movers["b"]["readiness"]) == (0.2, 0.8)
        assert movers["b"]["moved_because"] == "why"
        assert (message["data"]["cutoff"], message["data"]["since"]) == (
            "2026-03-09T00:00:00",
            "2026-03-02T00:00:00",
        )
        again = publish(config, ledger).webhook
        assert (again.new, again.delivered, len(receiver.requests)) == (0, 0, 3)


def test_what_was_not_accepted_waits_in_the_outbox(receiver, place, tmp_path):
    receiver.answers = [500] * 3
    config = config_to(receiver, tmp_path / "project")
    with moved(place) as ledger:
        assert publish(config, ledger, dry_run=True).webhook.new == 1
        assert receiver.requests == []
        first = publish(config, ledger).webhook
        assert (first.delivered, first.waiting) == (0, 1)
        assert "500" in first.error
        write(ledger, datetime(2026, 3, 16), {"a": 0.9, "b": 0.8})
        second = publish(config, ledger).webhook
        assert (second.new, second.delivered, second.waiting, second.error) == (1, 2, 0, None)
    cutoffs = [json.loads(body)["data"]["cutoff"][:10] for _, body in receiver.requests]
    assert cutoffs == ["2026-03-09"] * 4 + ["2026-03-16"]


def test_a_list_that_was_scored_and_never_published_is_delivered_later(receiver, place, tmp_path):
    """Killed between the run and the delivery: the next publishing sends both nights."""
    config = config_to(receiver, tmp_path / "project")
    with moved(place) as ledger:
        publish(config, ledger)
        write(ledger, datetime(2026, 3, 16), {"a": 0.9, "b": 0.8})  # and the process is killed
        write(ledger, datetime(2026, 3, 23), {"a": 0.1, "b": 0.8})
        sent = publish(config, ledger).webhook
    assert (sent.new, sent.delivered) == (2, 2)
    days = [json.loads(body)["data"]["cutoff"][:10] for _, body in receiver.requests]
    assert days == ["2026-03-09", "2026-03-16", "2026-03-23"]
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 3


def test_a_late_lead_is_a_message_of_its_own(receiver, place, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    config = config_to(receiver, tmp_path / "project")
    with moved(place) as ledger:
        assert publish(config, ledger).webhook.new == 2
        write(ledger, NEXT, {"a": 0.3, "b": 0.8, "late": 0.7})
        assert publish(config, ledger).webhook.new == 1
    batches = [json.loads(body)["data"] for _, body in receiver.requests]
    assert [each["batch"] for each in batches] == [1, 2, 3]
    assert [each["movers"][0]["lead_id"] for each in batches] == ["b", "a", "late"]
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 3


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_refused(receiver, tmp_path, code):
    receiver.answers = [code]
    with moved(LedgerPlace(tmp_path / "out")) as ledger:
        sent = publish(config_to(receiver, tmp_path / "project"), ledger).webhook
    assert (sent.delivered, sent.waiting, len(receiver.requests)) == (0, 1, 1)
    assert str(code) in sent.error


def test_an_answer_that_will_not_change_is_not_asked_for_again(receiver, tmp_path):
    receiver.answers = [400]
    with moved(LedgerPlace(tmp_path / "out")) as ledger:
        sent = publish(config_to(receiver, tmp_path / "project"), ledger).webhook
    assert (sent.waiting, len(receiver.requests)) == (1, 1)


def test_nobody_there_takes_a_bounded_time(receiver, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.5)
    config = config_to(receiver, tmp_path / "project")
    receiver.shutdown()
    receiver.server_close()
    with moved(LedgerPlace(tmp_path / "out")) as ledger:
        sent = publish(config, ledger).webhook
    assert (sent.delivered, sent.waiting) == (0, 1)
    assert "reached" in sent.error


def test_the_worked_example_of_standard_webhooks():
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_masked_and_settings_are_strict(receiver, tmp_path, monkeypatch):
    with moved(LedgerPlace(tmp_path / "out")) as ledger:
        publish(config_to(receiver, tmp_path / "project"), ledger)
        assert SECRET not in without_secrets(f"it is {SECRET}")
        monkeypatch.setenv("WEBHOOK_SECRET", "whsec_???")
        with pytest.raises(BadInput, match="base64"):
            publish(config_to(receiver, tmp_path / "project"), ledger)
    for url, secret, message in [
        ("ftp://host/x", "${S}", "https://"),
        ("file:///etc/passwd", "${S}", "https://"),
        ("https://host/x", "plainly-written", "written out"),
    ]:
        with pytest.raises(BadInput, match=message) as error:
            config_of(tmp_path / "bad", f'[publish.webhook]\nurl = "{url}"\nsecret = "{secret}"\n')
        assert "plainly-written" not in str(error.value)
