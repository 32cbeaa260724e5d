"""Which names the page answers to, however they are spelled."""

import pytest

from autolearn.access.hosts import (
    Authority,
    allowed_hosts,
    is_same_origin,
    is_unspecified,
    parse,
)
from autolearn.core.errors import InputError

LOOPBACK = [
    "127.0.0.1",
    "127.0.0.1:7860",
    "127.0.0.1.",
    "127.8.9.10",
    "localhost",
    "LOCALHOST:1",
    "localhost.",
    "[::1]",
    "[::1]:7860",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]:7860",
]
FOREIGN = [
    "evil.test",
    "EVIL.test:7860",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "evil-localhost",
    "0.0.0.0",
    "192.168.1.5",
    "[fe80::1]",
    "[::]",
    "2130706433",
    "0x7f.1",
    "127.1",
]
MALFORMED = [
    "",
    ":7860",
    ".",
    "127.0.0.1@evil.test",
    "evil.test@127.0.0.1",
    "user:word@localhost",
    "127.0.0.1:7860/path",
    "127.0.0.1:port",
    "127.0.0.1:123456",
    "127.0.0.1, evil.test",
    "127.0.0.1 evil.test",
    "http://127.0.0.1",
    "::1",
    "[::1",
    "[::1]x",
    "127.0.0.1\n",
    "\uff11\uff12\uff17.0.0.1",
    "localhost\u0000",
]


@pytest.mark.parametrize("text", LOOPBACK)
def test_loopback_is_allowed_in_every_spelling(text):
    authority = parse(text)
    assert authority
    assert allowed_hosts("127.0.0.1", []).allow(authority.host, "10.0.0.1")


@pytest.mark.parametrize("text", FOREIGN)
def test_other_names_and_addresses_are_not_allowed(text):
    authority = parse(text)
    assert authority
    assert not allowed_hosts("127.0.0.1", []).allow(authority.host, "127.0.0.1")


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_host_and_port_is_not_read(text):
    authority = parse(text)
    assert authority is None


@pytest.mark.parametrize("served_at", ["192.168.1.5", "::ffff:192.168.1.5", "fd00::5"])
def test_the_address_at_which_a_request_arrived_is_allowed(served_at):
    hosts = allowed_hosts("0.0.0.0", [])
    own = parse(f"[{served_at}]" if ":" in served_at else served_at)
    assert own
    assert hosts.allow(own.host, served_at)
    assert not hosts.allow("192.168.1.6", served_at)


def test_the_name_of_the_computer_is_allowed_only_where_others_can_reach_it(
    monkeypatch,
):
    monkeypatch.setattr("socket.gethostname", lambda: "Lab")
    assert allowed_hosts("0.0.0.0", []).allow("lab", "10.0.0.1")
    assert allowed_hosts("0.0.0.0", []).allow("lab.local", "10.0.0.1")
    assert not allowed_hosts("127.0.0.1", []).allow("lab", "127.0.0.1")


def test_a_named_host_is_allowed_and_nothing_below_or_above_it():
    hosts = allowed_hosts("127.0.0.1", ["Lab.Example."])
    assert hosts.allow("lab.example", "127.0.0.1")
    assert not hosts.allow("a.lab.example", "127.0.0.1")
    assert not hosts.allow("example", "127.0.0.1")


@pytest.mark.parametrize("name", ["", "*", "a b", "http://lab", "lab:80", "a@b"])
def test_what_is_no_host_name_is_refused_in_one_sentence(name):
    with pytest.raises(InputError, match="--allow-host"):
        allowed_hosts("127.0.0.1", [name])


@pytest.mark.parametrize(
    ("origin", "scheme", "host"),
    [
        ("http://127.0.0.1:7860", "http", "127.0.0.1:7860"),
        ("HTTP://LocalHost:7860", "http", "localhost:7860"),
        ("http://[::1]:7860", "http", "[::1]:7860"),
        ("http://lab.example", "http", "lab.example:80"),
        ("https://lab.example", "https", "lab.example"),
        ("https://lab.example", "http", "lab.example"),
        ("https://lab.example:443", "https", "lab.example"),
    ],
)
def test_the_page_itself_is_the_same_origin(origin, scheme, host):
    authority = parse(host)
    assert authority
    assert is_same_origin(origin, scheme, authority)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "127.0.0.1:7860",
        "//127.0.0.1:7860",
        "http://127.0.0.1",
        "http://127.0.0.1:9999",
        "http://localhost:7860",
        "http://127.0.0.1:7860@evil.test",
        "http://127.0.0.1:7860.evil.test",
        "http://evil.test:7860",
        "file://",
        "file://127.0.0.1:7860",
        "chrome-extension://abc",
        "ws://127.0.0.1:7860",
        "http://127.0.0.1:7860/",
    ],
)
def test_every_other_origin_is_foreign(origin):
    assert not is_same_origin(origin, "http", Authority("127.0.0.1", 7860))


def test_an_unencrypted_origin_does_not_reach_an_encrypted_page():
    authority = Authority("lab.example", None)
    assert not is_same_origin("http://lab.example", "https", authority)


def test_all_addresses_at_once_are_recognised():
    assert is_unspecified("0.0.0.0")
    assert is_unspecified("[::]")
    assert not is_unspecified("127.0.0.1")
    assert not is_unspecified("lab")
