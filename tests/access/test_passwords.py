"""Who signs in, how wrong passwords are slowed down, and where passwords come from."""

import asyncio
import logging
import os
from urllib.parse import urlencode

import pytest

from autolearn.access import attempts, credentials, entrances
from autolearn.access.attempts import FailedAttempts
from autolearn.access.credentials import Credentials
from autolearn.access.entrances import PasswordEntrance
from autolearn.access.gate import Gate
from autolearn.access.hosts import allowed_hosts
from autolearn.access.programs import ProgramToken
from autolearn.access.sessions import Sessions
from autolearn.core.errors import InputError
from tests.support.asgi import HERE, Inner, request, send, wait_for

ADA = Credentials("ada", "pass:wörd €")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(entrances, "WRONG_SECONDS", 0)


@pytest.fixture
def gate():
    sessions = Sessions(ADA.digest(b"k" * 32))
    hosts = allowed_hosts("127.0.0.1", ["lab.example"])
    entrance = PasswordEntrance(sessions, ADA)
    return Gate(Inner(), hosts, sessions, entrance, ProgramToken(b"k" * 32))


def form(user="ada", password=ADA.password, **options):
    body = urlencode({"user": user, "password": password}).encode()
    return {"method": "POST", "body": body, **options}


def sign_in(gate, user="ada", password=ADA.password, headers=(), **options):
    return request(gate, "/login", headers, **form(user, password, **options))


def fail(gate, n, client="10.0.0.7"):
    """Give wrong passwords; return the status of each answer."""
    options = {"client": (client, 1), "password": "wrong"}
    return [sign_in(gate, **options).status for _ in range(n)]


def test_the_right_password_begins_a_session(gate):
    answer = sign_in(gate)
    assert (answer.status, answer.headers["location"]) == (303, "./")
    options = answer.headers["set-cookie"].lower().split("; ")
    assert {"httponly", "samesite=strict"} <= set(options)
    assert request(gate, "/", [("cookie", answer.cookie)]).body == b"inside"
    again = request(gate, "/login", [("cookie", answer.cookie)])
    assert (again.status, again.headers["location"]) == (303, "./")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("ada", "wrong"),
        ("ada", ""),
        ("", ADA.password),
        ("eve", ADA.password),
        ("ada:pass", "wörd €"),
        ("Ada", ADA.password),
        ("ada", ADA.password + " "),
        ("ada\0", ADA.password),
    ],
)
def test_anything_else_does_not(gate, user, password):
    answer = sign_in(gate, user, password)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    assert b"wrong" in answer.body


@pytest.mark.parametrize(
    "body", [b"", b"user", b"&&&=", b"\xff" * 50, b"a" * 100_000, b"a=1&" * 20]
)
def test_a_malformed_form_is_a_wrong_password(gate, body):
    answer = request(gate, "/login", method="POST", body=body)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/login"])
def test_without_a_session_there_is_only_the_form(gate, path):
    answer = request(gate, path, [("accept", "text/html")])
    assert answer.status == 403
    assert b'type="password"' in answer.body
    assert request(gate, "/config").body == b"Open the page and sign in first.\n"
    assert request(gate, "/?token=secret").status == 403


@pytest.mark.parametrize("origin", ["null", "http://evil.test", "http://127.0.0.1:9"])
def test_another_page_cannot_sign_in(gate, origin):
    answer = sign_in(gate, headers=[("origin", origin)])
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    assert sign_in(gate, headers=[("origin", f"http://{HERE}")]).status == 303


def test_an_address_is_locked_after_five_wrong_passwords(gate):
    statuses = fail(gate, attempts.MOST_OF_ADDRESS + 2)
    assert statuses == [403] * attempts.MOST_OF_ADDRESS + [429] * 2
    right = sign_in(gate, client=("10.0.0.7", 1))
    assert right.status == 429
    assert "set-cookie" not in right.headers
    assert b"15 minutes" in right.body
    assert sign_in(gate, client=("10.0.0.8", 1)).status == 303


def test_all_are_locked_after_many_wrong_passwords(gate):
    for i in range(attempts.MOST_OVERALL // attempts.MOST_OF_ADDRESS):
        fail(gate, attempts.MOST_OF_ADDRESS, f"10.0.1.{i}")
    assert sign_in(gate, client=("10.0.0.8", 1)).status == 429


def test_who_has_a_session_is_not_locked_out(gate):
    cookie = ("cookie", sign_in(gate, client=("10.0.0.7", 1)).cookie)
    fail(gate, attempts.MOST_OVERALL)
    assert sign_in(gate, client=("10.0.0.7", 1)).status == 429
    answer = request(gate, "/", [cookie], client=("10.0.0.7", 1))
    assert answer.body == b"inside"


def test_tries_at_once_count_like_tries_one_after_the_other(gate):
    async def together():
        wrong = form(password="wrong", client=("10.0.0.7", 1))
        return await asyncio.gather(
            *(send(gate, "/login", (), **wrong) for _ in range(50))
        )

    statuses = [answer.status for answer in wait_for(together())]
    assert statuses.count(403) == attempts.MOST_OF_ADDRESS
    assert statuses.count(429) == 50 - attempts.MOST_OF_ADDRESS


def test_a_wrong_password_waits_for_its_answer(gate, monkeypatch):
    waits: list[float] = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(entrances, "WRONG_SECONDS", 1.0)
    monkeypatch.setattr("asyncio.sleep", sleep)
    fail(gate, 2)
    sign_in(gate, client=("10.0.0.8", 1))
    assert waits == [1.0, 1.0]


def test_each_wrong_password_is_one_line_in_the_log(gate, caplog):
    with caplog.at_level(logging.WARNING):
        fail(gate, 2)
        sign_in(gate, "x\ny", "z\nz", client=("a\nb", 1))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[:2] == [
        "Wrong password, number 1 from '10.0.0.7'.",
        "Wrong password, number 2 from '10.0.0.7'.",
    ]
    assert len(lines) == 3
    assert all("\n" not in line and "wrong" not in line for line in lines)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_lock_ends_when_its_oldest_wrong_password_is_old():
    clock = Clock()
    failed = FailedAttempts(clock)
    for _ in range(attempts.MOST_OF_ADDRESS):
        assert failed.seconds_to_wait("10.0.0.7") == 0
        failed.add("10.0.0.7")
        clock.now += 10
    wait = failed.seconds_to_wait("10.0.0.7")
    assert wait == attempts.WINDOW_SECONDS - 10 * attempts.MOST_OF_ADDRESS
    clock.now += wait + 0.1
    assert failed.seconds_to_wait("10.0.0.7") == 0
    assert failed.add("10.0.0.7") == attempts.MOST_OF_ADDRESS


@pytest.mark.parametrize(
    ("client", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("", "unix"),
    ],
)
def test_one_client_is_an_address_or_a_network_of_ipv6(client, same):
    failed = FailedAttempts()
    for _ in range(attempts.MOST_OF_ADDRESS):
        failed.add(client)
    assert failed.seconds_to_wait(same) > 0
    for other in ("2001:db8:0:1::1", "10.0.0.8", "::ffff:10.0.0.8"):
        assert failed.seconds_to_wait(other) == 0


def test_another_password_ends_the_sessions_of_the_one_before():
    key = b"k" * 32
    assert ADA.digest(key) == Credentials("ada", ADA.password).digest(key)
    others = {
        Credentials("ada", "other").digest(key),
        Credentials("eve", ADA.password).digest(key),
        Credentials("ada:pass", "wörd €").digest(key),
        ADA.digest(b"x" * 32),
    }
    assert len(others - {ADA.digest(key)}) == 4


# --- where they come from -----------------------------------------------------


@pytest.fixture
def no_terminal(monkeypatch):
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield


def test_the_variable_is_read_and_removed():
    environment = {credentials.VARIABLE: "word", "A": "b"}
    assert credentials.read("ada", None, environment) == Credentials("ada", "word")
    assert environment == {"A": "b"}


def test_the_file_is_read_up_to_its_first_line(tmp_path, capsys):
    path = tmp_path / "password"
    path.write_text("wörd with spaces \r\nrest\n", encoding="utf-8")
    path.chmod(0o600)
    owner = credentials.read("ada", path, {credentials.VARIABLE: "other"})
    assert owner == Credentials("ada", "wörd with spaces ")
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="no modes")
def test_a_file_that_others_can_read_is_reported(tmp_path, capsys):
    path = tmp_path / "password"
    path.write_text("word")
    path.chmod(0o644)
    assert credentials.read("ada", path, {}) == Credentials("ada", "word")
    assert "chmod 600" in capsys.readouterr().err


def test_the_terminal_is_asked_last(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    prompts: list[str] = []

    def ask(prompt):
        prompts.append(prompt)
        return "typed"

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", ask)
    assert credentials.read("ada", None, {}) == Credentials("ada", "typed")
    assert prompts == ["Password for ada: "]


def test_a_password_in_the_command_line_works_and_warns(capsys):
    assert credentials.read("ada:pass:word", None, {}) == Credentials(
        "ada", "pass:word"
    )
    error = capsys.readouterr().err
    assert "Others on this computer can see" in error
    assert credentials.VARIABLE in error
    assert "pass:word" not in error


@pytest.mark.parametrize("auth", ["", ":word", "ada:", ":"])
def test_empty_users_and_passwords_are_refused(auth):
    with pytest.raises(InputError, match="--auth"):
        credentials.read(auth, None, {credentials.VARIABLE: ""})


@pytest.mark.usefixtures("no_terminal")
def test_without_a_password_the_sentence_says_how_to_give_one():
    with pytest.raises(InputError, match=r"AUTOLEARN_PASSWORD.*--password-file"):
        credentials.read("ada", None, {})


def test_a_file_that_cannot_be_read_or_belongs_to_nobody_is_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "bytes"):
        with pytest.raises(InputError, match="cannot be read"):
            credentials.read("ada", path, {})
    with pytest.raises(InputError, match="--auth USER"):
        credentials.read(None, tmp_path / "missing", {})


def test_the_password_is_not_shown_with_its_owner():
    assert ADA.password not in repr(ADA)
