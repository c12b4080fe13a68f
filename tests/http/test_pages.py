"""Who may see and change what through pages, on a real socket: sign-in, scopes, projects, forged forms."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from gate.app import create_app
from gate.settings import Settings
from gate.web.answer import POLICY
from gate.web.session import SESSION, csrf_fits, csrf_token
from tests.browser.kit import Server, server
from tests.http.served import TIMEOUT

ADMIN = "admin-secret"
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with tokens and the projects `default` and `shop`."""
    with server(tmp_path_factory.mktemp("pages"), admin_token=ADMIN) as served:
        served.run(served.gate.create_project("shop"))
        yield served


@pytest.fixture
def person(served: Server) -> Iterator[httpx.Client]:
    """A browser without JavaScript: keeps cookies, follows nothing."""
    with httpx.Client(base_url=served.url, headers=HTML, timeout=TIMEOUT, trust_env=False) as client:
        yield client


def csrf_of(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found
    return found[1]


def sign_in(person: httpx.Client, secret: str, **more: str) -> httpx.Response:
    form = person.get("/sign-in").text
    return person.post("/sign-in", data={"csrf": csrf_of(form), "token": secret, **more})


def token(served: Server, project: str, *scopes: str) -> str:
    return served.run(served.gate.create_token(project, "person", scopes))[1]


def test_who_is_not_signed_in_is_led_there_and_back(person: httpx.Client) -> None:
    """A page asked for without a session leads to the sign-in page, which leads back to it."""
    asked = person.get("/projects/shop?run=7")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=%2Fprojects%2Fshop%3Frun%3D7")
    done = sign_in(person, ADMIN, next="/projects/shop?run=7")
    assert (done.status_code, done.headers["location"]) == (303, "/projects/shop?run=7")
    assert person.get("/projects/shop").status_code == 200
    assert person.get("/sign-in?next=/projects/shop").headers["location"] == "/projects/shop"


@pytest.mark.parametrize("foreign", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_sign_in_leads_nowhere_else(person: httpx.Client, foreign: str) -> None:
    """An address of another site is not followed after signing in."""
    assert sign_in(person, ADMIN, next=foreign).headers["location"] == "/"
    assert person.get("/sign-in", params={"next": foreign}).headers["location"] == "/"


def test_the_session_cookie_is_out_of_reach(person: httpx.Client) -> None:
    """No script reads it, no other site sends it with a form, and it goes to this server only."""
    cookie = sign_in(person, ADMIN).headers["set-cookie"]
    assert cookie.startswith(f"{SESSION}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    assert "domain" not in cookie.lower()


def test_behind_tls_it_is_secure(tmp_path: Path) -> None:
    """With a public address of https the cookie is never sent in the clear."""
    with (
        server(tmp_path, admin_token=ADMIN, public_url="https://spangate.example") as served,
        httpx.Client(base_url=served.url, headers=HTML, timeout=TIMEOUT, trust_env=False) as person,
    ):
        form = person.get("/sign-in")
        assert "Secure" in form.headers["set-cookie"]
        visitor = form.headers["set-cookie"].split(";")[0]
        done = person.post("/sign-in", data={"csrf": csrf_of(form.text), "token": ADMIN}, headers={"cookie": visitor})
        assert "Secure" in done.headers["set-cookie"]


def test_a_wrong_token_is_said_in_the_form(person: httpx.Client) -> None:
    """An unknown token, and one that cannot read, are refused with the reason; no cookie is set."""
    answer = sign_in(person, "sg_wrong")
    assert (answer.status_code, SESSION in answer.headers.get("set-cookie", "")) == (401, False)
    assert "This token is not known here." in answer.text


def test_a_token_that_cannot_read_sees_no_page(served: Server, person: httpx.Client) -> None:
    """A token for ingest alone is refused at the door, with its scopes named."""
    answer = sign_in(person, token(served, "shop", "ingest"))
    assert answer.status_code == 401
    assert "the pages need read" in answer.text


def test_other_projects_do_not_exist(served: Server, person: httpx.Client) -> None:
    """A token of one project is led into it, and gets 404 for another one and for one that nobody has, alike."""
    sign_in(person, token(served, "shop", "read"))
    assert person.get("/").headers["location"] == "/projects/shop"
    other, none = person.get("/projects/default"), person.get("/projects/nobody")
    assert (other.status_code, none.status_code) == (404, 404)
    assert other.text.replace("&#39;default&#39;", "&#39;nobody&#39;") == none.text
    assert "/projects/default" not in person.get("/projects/shop").text


def test_sign_out_forgets(person: httpx.Client) -> None:
    """After signing out the pages ask for a token again."""
    sign_in(person, ADMIN)
    form = person.get("/projects/shop").text
    assert person.post("/sign-out", data={"csrf": csrf_of(form)}).headers["location"] == "/sign-in"
    assert person.get("/projects/shop").status_code == 303


def test_a_deleted_token_ends_its_session(served: Server, person: httpx.Client) -> None:
    """Who deletes a token signs out everybody who used it."""
    stored, secret = served.run(served.gate.create_token("shop", "short", ("read",)))
    sign_in(person, secret)
    assert person.get("/projects/shop").status_code == 200
    served.run(served.gate.delete_token("shop", stored.id))
    assert person.get("/projects/shop").headers["location"].startswith("/sign-in")


def changes() -> list[tuple[str, str]]:
    """Every handler of the pages that is no GET, from the application itself."""
    app: Litestar = create_app(Settings())
    found = []
    for route in app.routes:
        if route.path.startswith(("/api/", "/v1/", "/schema", "/health")):
            continue
        for method in set(getattr(route, "methods", ())) - {"GET", "HEAD", "OPTIONS"}:
            found.append((str(method), re.sub(r"{project:str}", "shop", re.sub(r"{(?!project)[^}]*}", "0" * 32, route.path))))
    return found


@pytest.mark.parametrize(("method", "path"), changes())
def test_no_change_without_our_own_form(person: httpx.Client, method: str, path: str) -> None:
    """Every change is refused without the form's token, with one of somebody else, and from another site's page."""
    sign_in(person, ADMIN)
    own = csrf_of(person.get("/projects/shop").text)
    for form, headers in (
        ({}, {}),
        ({"csrf": csrf_token("somebody else")}, {}),
        ({"csrf": own}, {"sec-fetch-site": "cross-site"}),
        ({"csrf": own}, {"sec-fetch-site": "same-site"}),
        ({"csrf": own}, {"origin": "https://evil.example"}),
        ({"csrf": own}, {"origin": "null"}),
    ):
        answer = person.request(method, path, data={**form, "next": "/"}, headers=headers)
        assert answer.status_code == 403, (form, headers)
    assert person.get("/projects/shop").status_code == 200


def test_the_api_does_not_look_at_cookies(person: httpx.Client) -> None:
    """A signed-in browser has no more rights at the API than anybody: what it sends by itself changes nothing there."""
    sign_in(person, ADMIN)
    assert person.get("/api/v1/projects").status_code == 401


def test_every_page_has_the_policy(person: httpx.Client) -> None:
    """Pages, problems and the sign-in form forbid everything inline; nobody frames them, nobody keeps them."""
    sign_in(person, ADMIN)
    for path in ("/", "/projects/shop", "/nothing-here", "/projects/nobody"):
        headers = person.get(path).headers
        assert headers["content-security-policy"] == POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    assert "unsafe" not in POLICY


def test_programs_get_problems(served: Server) -> None:
    """What asks for no HTML, or below /api, is answered with JSON as before."""
    for path, headers in (("/nothing-here", {}), ("/api/v1/nothing", HTML), ("/projects/shop", {})):
        answer = httpx.get(served.url + path, headers=headers, timeout=TIMEOUT, trust_env=False)
        assert answer.headers["content-type"] == "application/problem+json", path


def test_static_files_are_kept_for_good(person: httpx.Client) -> None:
    """Each file's address changes with its content, so browsers ask once."""
    page = person.get("/sign-in").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) >= 4
    for address in addresses:
        answer = person.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert "immutable" not in person.get("/static/old/pages.css").headers["cache-control"]
    assert person.get("/static/old/../pages.css").status_code == 404
    assert person.get("/static/old/nothing.css").status_code == 404


def test_local_mode_says_so_and_refuses_other_names(tmp_path: Path) -> None:
    """Without tokens on loopback nobody signs in, the page says it, and another host name (DNS rebinding) is refused."""
    with server(tmp_path) as served, httpx.Client(base_url=served.url, headers=HTML, timeout=TIMEOUT, trust_env=False) as person:
        page = person.get("/projects/default")
        assert "Local mode" in page.text
        assert "/sign-out" not in page.text
        assert person.get("/projects/default", headers={"host": "evil.example"}).status_code == 403


def test_form_tokens_fit_one_session() -> None:
    """A token fits the session it was made for, differs each time, and nothing else fits."""
    first, second = csrf_token("one"), csrf_token("one")
    assert first != second
    assert csrf_fits("one", first)
    assert csrf_fits("one", second)
    assert not csrf_fits("two", first)
    assert not csrf_fits("", csrf_token(""))
    assert not csrf_fits("one", "")
    assert not csrf_fits("one", first.partition(".")[0] + ".")
    assert not csrf_fits("one", "é.é")
