"""Keys that only their owner reads, cookies nobody can make up, one-time tickets."""

import os
import time

import pytest

from autolearn.access import sessions
from autolearn.access.sessions import Token, is_signed, read_key, signed, write_private

KEY = b"k" * 32
posix = pytest.mark.skipif(os.name != "posix", reason="no modes")


def test_a_key_stays_the_same(tmp_path):
    key = read_key(tmp_path / "key")
    assert len(key) == sessions.KEY_BYTES
    assert read_key(tmp_path / "key") == key
    assert read_key(tmp_path / "other") != key


@posix
def test_only_the_owner_may_read_what_is_private(tmp_path):
    path = tmp_path / "note"
    path.write_text("before")
    path.chmod(0o666)
    old = os.umask(0)
    try:
        write_private(path, b"secret")
    finally:
        os.umask(old)
    assert path.read_bytes() == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620])
def test_a_key_that_others_could_read_is_replaced(tmp_path, mode):
    path = tmp_path / "key"
    key = read_key(path)
    path.chmod(mode)
    assert read_key(path) != key
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"l" * 64])
def test_a_damaged_key_is_replaced(tmp_path, content):
    path = tmp_path / "key"
    write_private(path, content)
    assert len(read_key(path)) == sessions.KEY_BYTES
    assert read_key(path) != content


def test_what_was_signed_holds_for_its_key_and_purpose():
    text = signed(KEY, "session")
    assert is_signed(KEY, "session", text, 60)
    assert not is_signed(b"x" * 32, "session", text, 60)
    assert not is_signed(KEY, "ticket", text, 60)
    assert text != signed(KEY, "session")


def test_every_change_of_a_signed_text_is_noticed():
    text = signed(KEY, "session")
    for i, letter in enumerate(text):
        other = text[:i] + ("x" if letter != "x" else "y") + text[i + 1 :]
        assert not is_signed(KEY, "session", other, 60), i


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "ä.é.ü", "0" * 10_000])
def test_made_up_texts_are_not_signed(text):
    assert not is_signed(KEY, "session", text, 60)


def test_a_signature_ends_and_does_not_begin_in_the_future(monkeypatch):
    now = time.time()
    text = signed(KEY, "session")
    monkeypatch.setattr(time, "time", lambda: now + 59)
    assert is_signed(KEY, "session", text, 60)
    monkeypatch.setattr(time, "time", lambda: now + 62)
    assert not is_signed(KEY, "session", text, 60)
    monkeypatch.setattr(time, "time", lambda: now - 10)
    assert not is_signed(KEY, "session", text, 60)


def test_a_ticket_is_good_for_one_visit_and_the_token_for_all():
    token = Token("secret")
    ticket = Token("secret").ticket()  # as another process makes it
    assert token.admits(ticket)
    assert not token.admits(ticket)
    assert token.admits("secret")
    assert token.admits("secret")
    assert not token.admits(Token("other").ticket())
    assert not token.admits("")
    assert not token.admits("Secret")


def test_a_ticket_ends_after_a_minute(monkeypatch):
    token = Token("secret")
    ticket, now = token.ticket(), time.time()
    monkeypatch.setattr(time, "time", lambda: now + sessions.TICKET_SECONDS + 2)
    assert not token.admits(ticket)


def test_where_nothing_can_be_written_the_key_is_that_of_this_start(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "key"
    assert len(read_key(path)) == sessions.KEY_BYTES
    assert read_key(path) != read_key(path)
