"""The scripts of Gradio's page run, and none that a text brings."""

import re

from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from autolearn.access.policy import PagePolicy
from tests.support.asgi import request

MARKUP = """<head><script>a = "\\u003cscript>"</script>
<script type="module" src="./a.js"></script>
<link rel="manifest" href="/manifest.json" /></head>"""


def app(response):
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    return PagePolicy(answer)


def test_each_script_has_the_nonce_that_the_policy_names():
    answer = request(app(HTMLResponse(MARKUP)), "/")
    policy = answer.headers["content-security-policy"]
    (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", policy)
    scripts = re.findall(rb"<script([^>]*)", answer.body)
    assert len(scripts) == 2
    assert all(f'nonce="{nonce}"'.encode() in attributes for attributes in scripts)
    assert b'"\\u003cscript>"' in answer.body
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert b'crossorigin="use-credentials"' in answer.body


def test_a_nonce_is_used_once():
    page = app(HTMLResponse(MARKUP))
    policies = {request(page, "/").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


def test_the_policy_lets_nothing_in_from_elsewhere():
    policy = request(app(HTMLResponse(MARKUP)), "/").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert "'unsafe-inline'" not in rules["script-src"]
    assert not re.search(r"https?:|\*", policy)


def test_a_page_in_several_parts_is_marked_as_a_whole():
    async def parts():
        for part in (b"<scr", b"ipt>", b"</script>"):
            yield part

    answer = request(app(StreamingResponse(parts(), media_type="text/html")), "/")
    assert re.fullmatch(rb'<script nonce="[\w-]+"></script>', answer.body)


def test_other_answers_stay_as_they_are():
    answer = request(app(PlainTextResponse("<script>")), "/theme.css")
    assert answer.body == b"<script>"
    assert "content-security-policy" not in answer.headers
