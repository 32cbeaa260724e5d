"""The few responses of the gate itself: one sentence, or the sign-in form."""

from html import escape
from string import Template

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
$head<title>autolearn</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 ui-sans-serif, system-ui, sans-serif }
body { max-width: 34rem; margin: 15vh auto; padding: 0 1rem }
label, input, button { display: block; font: inherit }
input { width: 100%; box-sizing: border-box; margin: .2rem 0 1rem; padding: .4rem }
button { padding: .4rem 1.2rem }
</style>
</head>
<body>
<main>
<h1>autolearn</h1>
$body
</main>
</body>
</html>
""")
_FORM = """<form method="post" action="login">
<label for="user">User</label>
<input id="user" name="user" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 required>
<button>Sign in</button>
</form>"""
_AGAIN = '<p><a href="{target}">Open autolearn</a></p>'


def sentence(
    request: HTTPConnection, status: int, text: str, *, again: str = ""
) -> Response:
    """Return one sentence: a page for browsers, else plain text.

    ``again``: an address of the page. When its link is followed, the browser sends the
    cookie; it does not if another website has linked here.
    """
    if "text/html" not in request.headers.get("accept", ""):
        return unstored(PlainTextResponse(f"{text}\n", status))
    link = _AGAIN.format(target=escape(again)) if again else ""
    return page(status, f'<p role="alert">{escape(text)}</p>{link}')


def sign_in(status: int, problem: str = "") -> Response:
    """Return the form for user and password."""
    note = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return page(status, note + _FORM)


def forward(target: str) -> Response:
    """Return a page that redirects by itself.

    After an HTTP redirect, the browser would still ask on behalf of the page that links
    here.
    """
    head = f'<meta http-equiv="refresh" content="0; url={escape(target)}">\n'
    return page(200, _AGAIN.format(target=escape(target)), head=head)


def page(status: int, body: str, *, head: str = "") -> Response:
    """Return a page of our own; ``body`` and ``head`` are markup."""
    markup = _PAGE.substitute(head=head, body=body)
    return unstored(HTMLResponse(markup, status))


def unstored(response: Response) -> Response:
    """Keep an answer out of caches."""
    response.headers["Cache-Control"] = "no-store"
    return response
