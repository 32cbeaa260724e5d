"""Nothing reaches the page without its name, its origin and a session."""

from typing import Any

import pytest

from autolearn.access.entrances import TokenEntrance
from autolearn.access.gate import Gate
from autolearn.access.hosts import allowed_hosts
from autolearn.access.policy import STRICT_POLICY
from autolearn.access.programs import ProgramToken
from autolearn.access.sessions import Sessions, Token, read_key
from tests.support.asgi import HERE, Inner, request

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
PATHS = [
    "/",
    "/config",
    "/assets/index.js",
    "/static/img/logo.svg",
    "/theme.css",
    "/manifest.json",
    "/favicon.ico",
    "/gradio_api/info",
    "/gradio_api/upload",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/heartbeat/abc",
    "/gradio_api/queue/join",
    "/gradio_api/run/predict",
    "/gradio_api/startup-events",
    "/nowhere",
    "//",
    "/%2e%2e/",
]
ORIGIN = f"http://{HERE}"
PROGRAMS = ProgramToken(b"k" * 32)


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def gate(inner):
    sessions = Sessions(b"k" * 32)
    entrance = TokenEntrance(sessions, Token("secret"))
    return Gate(
        inner, allowed_hosts("127.0.0.1", ["lab.example"]), sessions, entrance, PROGRAMS
    )


@pytest.fixture
def session(gate):
    """The header of a session at the usual address."""
    return ("cookie", request(gate, "/?token=secret").cookie)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_no_request_passes_without_a_session(gate, inner, method, path):
    answer = request(gate, path, method=method)
    assert (answer.status, inner.paths) == (403, [])
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_every_request_passes_with_a_session(gate, inner, session, method, path):
    answer = request(gate, path, [session, ("origin", ORIGIN)], method=method)
    assert (answer.status, answer.body, inner.paths) == (200, b"inside", [path])


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:7860",
        "127.0.0.1.evil.test:7860",
        "evil.test@127.0.0.1",
        "192.168.1.5:7860",
        "127.0.0.1, evil.test",
        "",
        None,
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_name_that_is_not_served_gets_one_sentence(
    gate, inner, session, host, method
):
    answer = request(gate, "/", [session], method=method, host=host)
    assert (answer.status, inner.paths) == (421, [])
    assert answer.body.count(b"\n") == 1
    assert b"--allow-host" in answer.body


def test_a_rebinding_name_cannot_use_the_token(gate):
    answer = request(gate, "/?token=secret", host="evil.test:7860")
    assert answer.status == 421
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("second", [HERE, "evil.test", "localhost"])
def test_two_names_at_once_are_refused(gate, inner, session, second):
    answer = request(gate, "/", [session, ("host", second)])
    assert (answer.status, inner.paths) == (421, [])


@pytest.mark.parametrize(
    "target", ["http://evil.test/", f"http://{HERE}/", "*", "evil.test:443"]
)
def test_requests_to_a_proxy_are_refused(gate, inner, session, target):
    answer = request(gate, target, [session])
    assert (answer.status, inner.paths) == (421, [])


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.test", "http://127.0.0.1:9999", f"https://evil.test:{7860}"],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_origin_neither_reads_nor_writes(
    gate, inner, session, method, origin
):
    answer = request(gate, "/config", [session, ("origin", origin)], method=method)
    assert (answer.status, inner.paths) == (403, [])
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_one_foreign_origin_among_several_is_enough(gate, inner, session):
    origins = [("origin", ORIGIN), ("origin", "http://evil.test")]
    answer = request(gate, "/config", [session, *origins])
    assert (answer.status, inner.paths) == (403, [])


@pytest.mark.parametrize("site", ["cross-site", "same-site", "other", ""])
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/file=a"])
def test_what_another_page_embeds_is_not_answered(gate, inner, session, site, path):
    for mode, target in (
        ("no-cors", "image"),
        ("no-cors", "script"),
        ("navigate", "iframe"),
        ("navigate", "frame"),
        ("navigate", "object"),
        ("navigate", "embed"),
        ("cors", "empty"),
    ):
        fetch = [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", target),
        ]
        assert request(gate, path, [session, *fetch]).status == 403, target
    assert inner.paths == []


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_page_and_the_address_bar_are_answered(gate, inner, session, site):
    assert request(gate, "/x", [session, ("sec-fetch-site", site)]).status == 200


def link(site):
    return [
        ("sec-fetch-site", site),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("accept", "text/html"),
    ]


def test_a_link_of_another_page_leads_to_the_root_only(gate, inner, session):
    assert request(gate, "/", [session, *link("same-site")]).status == 200
    answer = request(gate, "/", [session, *link("same-site")], method="POST")
    assert answer.status == 403
    answer = request(gate, "/logout", [session, *link("same-site")])
    assert answer.status == 403
    assert inner.paths == ["/"]


def test_a_link_without_the_cookie_offers_the_page_again(gate):
    """A strict cookie is not sent where another site has led to the page."""
    answer = request(gate, "/?__theme=dark", link("cross-site"))
    assert answer.status == 403
    assert b'href="./?__theme=dark"' in answer.body
    assert answer.body.count(b"<a ") == 1


@pytest.mark.parametrize("token", ["", "Secret", "secret ", "se", "ä"])
def test_a_wrong_token_is_not_enough(gate, token):
    answer = request(gate, f"/?token={token}")
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS"])
def test_the_token_counts_only_where_a_person_opens_the_page(gate, method):
    assert request(gate, "/?token=secret", method=method).status == 403
    assert request(gate, "/config?token=secret").status == 403


def test_the_token_becomes_a_cookie_and_the_address_is_cleaned(gate):
    answer = request(gate, "/?token=secret&__theme=dark")
    assert (answer.status, answer.headers["location"]) == (303, "./?__theme=dark")
    name, *options = answer.headers["set-cookie"].lower().split("; ")
    assert name.startswith("autolearn-7860=")
    assert {"httponly", "samesite=strict", "path=/"} <= set(options)
    assert "secure" not in options
    assert answer.headers["cache-control"] == "no-store"
    assert "secret" not in answer.headers["set-cookie"]


def test_a_token_that_another_page_leads_to_begins_a_session_too(gate):
    answer = request(gate, "/?token=secret", link("cross-site"))
    assert answer.status == 200
    assert b'content="0; url=./"' in answer.body
    assert b"secret" not in answer.body
    assert request(gate, "/", [("cookie", answer.cookie)]).body == b"inside"


def test_a_used_ticket_is_harmless_within_a_session(gate, session):
    ticket = Token("secret").ticket()
    assert request(gate, f"/?token={ticket}").status == 303
    assert request(gate, f"/?token={ticket}").status == 403
    assert request(gate, f"/?token={ticket}", [session]).status == 303


def test_two_apps_of_one_computer_have_cookies_of_their_own(gate):
    other = request(gate, "/?token=secret", host="127.0.0.1:7861").cookie
    assert other.startswith("autolearn-7861=")
    assert request(gate, "/", [("cookie", other)]).status == 403
    assert request(gate, "/", [("cookie", other)], host="127.0.0.1:7861").status == 200


@pytest.mark.parametrize("place", ["before", "after", "own header"])
def test_a_cookie_that_another_port_has_set_does_not_end_the_session(
    gate, session, place
):
    forged = "autolearn-7860=forged"
    headers = {
        "before": [("cookie", f"a=b; {forged}; {session[1]}")],
        "after": [("cookie", f"{session[1]}; {forged}")],
        "own header": [("cookie", forged), session],
    }[place]
    assert request(gate, "/", headers).status == 200
    assert request(gate, "/", [("cookie", forged)]).status == 403


def test_a_session_of_another_key_does_not_count(gate):
    sessions = Sessions(b"other" * 8)
    entrance = TokenEntrance(sessions, Token("secret"))
    other = Gate(Inner(), allowed_hosts("127.0.0.1", []), sessions, entrance, PROGRAMS)
    cookie = ("cookie", request(other, "/?token=secret").cookie)
    assert request(other, "/", [cookie]).status == 200
    assert request(gate, "/", [cookie]).status == 403


def test_a_program_with_the_token_of_the_workspace_uses_the_api_alone(gate, inner):
    bearer = ("authorization", f"Bearer {PROGRAMS.text}")
    assert request(gate, "/api/workspace", [bearer]).status == 200
    assert inner.paths == ["/api/workspace"]
    for path in ("/", "/gradio_api/run/predict", "/apis", "//api/x"):
        assert request(gate, path, [bearer]).status == 403, path


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer secret",
        f"Basic {PROGRAMS.text}",
        PROGRAMS.text,
        f"Bearer {ProgramToken(b'x' * 32).text}",
        "Bearer \xe9",
    ],
)
def test_other_programs_get_no_answer(gate, inner, value):
    assert request(gate, "/api/workspace", [("authorization", value)]).status == 403
    assert inner.paths == []


def test_a_foreign_page_gets_no_answer_even_with_the_token(gate, inner):
    bearer = ("authorization", f"Bearer {PROGRAMS.text}")
    foreign = ("origin", "http://evil.test")
    assert request(gate, "/api/workspace", [bearer, foreign]).status == 403
    host = "evil.test:7860"
    assert request(gate, "/api/workspace", [bearer], host=host).status == 421
    assert inner.paths == []


def test_a_session_outlives_a_restart_of_the_app(tmp_path):
    """The token is another one then, and the key of the workspace the same."""

    def start(token):
        sessions = Sessions(read_key(tmp_path / "page.key"))
        entrance = TokenEntrance(sessions, Token(token))
        return Gate(
            Inner(), allowed_hosts("127.0.0.1", []), sessions, entrance, PROGRAMS
        )

    cookie = ("cookie", request(start("first"), "/?token=first").cookie)
    assert request(start("second"), "/", [cookie]).status == 200
    assert request(start("second"), "/?token=first").status == 403


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ([], HERE),
        ([("origin", "http://evil.test")], HERE),
        ([("origin", "null")], HERE),
        ([("origin", "http://evil.test:7860")], "evil.test:7860"),
        ([("origin", ORIGIN), ("sec-fetch-site", "cross-site")], HERE),
    ],
)
def test_a_websocket_needs_the_same(gate, inner, session, headers, host):
    kind: dict[str, Any] = {"type": "websocket", "scheme": "ws"}
    assert request(gate, "/", [session, *headers], host=host, **kind).status == 403
    assert request(gate, "/", [("origin", ORIGIN)], **kind).status == 403
    assert inner.paths == []
    assert request(gate, "/", [session, ("origin", ORIGIN)], **kind).status == 101


def test_behind_a_proxy_with_https_the_cookie_is_secure(gate):
    answer = request(gate, "/?token=secret", host="lab.example", scheme="https")
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")
    assert answer.headers["set-cookie"].startswith("autolearn-443=")
    assert answer.headers["location"] == "./"


@pytest.mark.parametrize(
    ("host", "forwarded"),
    [("lab.example", []), (HERE, ["lab.example"]), (HERE, ["lab.example, proxy"])],
)
def test_behind_a_proxy_the_page_is_asked_for_by_its_public_name(
    inner, host, forwarded
):
    sessions = Sessions(b"k" * 32)
    hosts = allowed_hosts("127.0.0.1", ["lab.example", "proxy"])
    entrance = TokenEntrance(sessions, Token("secret"))
    gate = Gate(inner, hosts, sessions, entrance, PROGRAMS)
    proxy = [("x-forwarded-host", name) for name in forwarded]
    https: dict[str, Any] = {"host": host, "scheme": "https"}
    cookie = ("cookie", request(gate, "/?token=secret", proxy, **https).cookie)
    own = ("origin", "https://lab.example")
    foreign = ("origin", "https://evil.test")
    plain = ("origin", "http://lab.example")
    post: dict[str, Any] = {"method": "POST", **https}
    assert request(gate, "/", [*proxy, cookie, own], **post).status == 200
    assert request(gate, "/", [*proxy, cookie, foreign], **post).status == 403
    assert request(gate, "/", [*proxy, cookie, plain], **post).status == 403


@pytest.mark.parametrize("name", ["evil.test", "lab.example, evil.test", "a@b", ""])
def test_a_forwarded_name_that_is_not_served_is_refused(gate, session, name):
    headers = [session, ("x-forwarded-host", name)]
    assert request(gate, "/", headers).status == 421


def test_all_answers_have_the_headers_that_protect_them(gate, session):
    for answer in (
        request(gate, "/"),
        request(gate, "/", [session]),
        request(gate, "/?token=secret"),
        request(gate, "/", host="evil.test"),
        request(gate, "/", [session, ("origin", "null")]),
    ):
        assert answer.headers["content-security-policy"] == STRICT_POLICY
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_an_opener_policy_is_sent_only_where_browsers_heed_it(gate):
    name = "cross-origin-opener-policy"
    assert name in request(gate, "/").headers
    assert name not in request(gate, "/", host="lab.example").headers
    assert name in request(gate, "/", host="lab.example", scheme="https").headers
    assert name not in request(gate, "/", host="evil.test").headers
