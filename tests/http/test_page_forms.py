"""A page never does what the API cannot: every form of the pages has a REST operation behind it, with the same scope."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from gate.app import create_app
from gate.model.run import Run
from gate.settings import Settings
from tests.browser.kit import Server, server
from tests.http.served import TIMEOUT
from tests.unit.service.story import BAD, persist_trace

TEMPLATES = Path(__file__).parents[2] / "templates" / "pages"
HERE = "/projects/{project:str}"
BEHIND: dict[str, tuple[str, ...]] = {
    f"{HERE}/demo": ("POST /projects", "POST /runs", "POST /runs/{run_id:str}/finish", "POST /runs/{run_id:str}/promote"),
    f"{HERE}/first-token": ("POST /projects/{name:str}/tokens",),
    f"{HERE}/traces/{{trace_id:str}}/{{change:str}}": (
        "POST /traces/{trace_id:str}/promote", "POST /traces/{trace_id:str}/demote",
        "POST /traces/{trace_id:str}/persist", "POST /traces/{trace_id:str}/unpersist",
    ),
    f"{HERE}/runs/{{run_id:str}}/decisions": (
        "POST /runs/{run_id:str}/approvals", "POST /runs/{run_id:str}/rejections", "POST /runs/{run_id:str}/withdrawals",
    ),
    f"{HERE}/runs/{{run_id:str}}/judge": ("POST /runs/{run_id:str}/judge",),
    f"{HERE}/runs/{{run_id:str}}/promote": ("POST /runs/{run_id:str}/promote",),
    f"{HERE}/flows/promote": ("POST /traces/{trace_id:str}/promote",),
    f"{HERE}/flows/{{baseline_id:str}}/demote": ("POST /traces/{trace_id:str}/demote",),
    f"{HERE}/specs": ("POST /specs",),
    f"{HERE}/specs/{{spec_id:str}}": ("PUT /specs/{spec_id:str}",),
    f"{HERE}/specs/{{spec_id:str}}/check": ("POST /specs/{spec_id:str}/checks",),
    f"{HERE}/specs/{{spec_id:str}}/delete": ("DELETE /specs/{spec_id:str}",),
    f"{HERE}/settings": ("PATCH /projects/{name:str}",),
    f"{HERE}/settings/prune": ("POST /prune",),
    f"{HERE}/settings/policy": ("PUT /projects/{name:str}/policy", "POST /projects/{name:str}/policy/preview"),
    f"{HERE}/settings/tokens": ("POST /projects/{name:str}/tokens",),
    f"{HERE}/settings/tokens/{{token_id:str}}/delete": ("DELETE /projects/{name:str}/tokens/{token_id:str}",),
}  # fmt: skip
"""Where a form of the pages leads → what does the same over REST. A new form adds its line."""
SESSION = {"/sign-in", "/sign-out"}
"""A cookie comes and goes; programs send their token."""
ELSEWHERE = {f"{HERE}/demo", f"{HERE}/first-token", f"{HERE}/settings/prune", "/sign-in"}
"""Forms of a project without a run, of one with something to delete, and of who is not signed in."""


@cache
def handlers(prefix: str) -> dict[str, str]:
    """`METHOD path` of every operation below a prefix, without it → the scope that it needs."""
    return {
        f"{method} {route.path.removeprefix(prefix)}": handler.opt.get("scope", "")
        for route in create_app(Settings()).routes
        if route.path.startswith(prefix)
        for handler in route.route_handlers
        for method in getattr(handler, "http_methods", ())
    }


def of_pages() -> dict[str, str]:
    """Path of every change that pages make → its scope."""
    programs = ("/api/", "/v1/", "/schema", "/health")
    return {
        name.partition(" ")[2]: scope
        for name, scope in handlers("").items()
        if not name.startswith(("GET ", "HEAD ", "OPTIONS ")) and not name.partition(" ")[2].startswith(programs)
    }


def test_the_table_names_every_change_of_the_pages() -> None:
    """A handler without a line here, or a line without a handler, is a mistake."""
    assert set(of_pages()) == {*BEHIND, *SESSION}


@pytest.mark.parametrize("page", BEHIND)
def test_the_api_does_the_same_with_the_same_scope(page: str) -> None:
    """The operations are there, and no page lets somebody do what their token may not do over REST."""
    api = handlers("/api/v1")
    for operation in BEHIND[page]:
        assert operation in api, operation
        if page != f"{HERE}/demo":  # in local mode, where everybody may do everything
            assert api[operation] == of_pages()[page], operation


def test_no_template_has_a_form_of_its_own() -> None:
    """Changes go through the macro that proves them ours, and the sign-in form; htmx asks for parts and changes nothing."""
    for template in TEMPLATES.glob("*.html"):
        text = template.read_text()
        assert ('method="post"' in text) == (template.name in ("forms.html", "sign_in.html")), template
        assert not re.search(r"hx-(post|put|patch|delete)|formaction|formmethod", text), template


class Found(HTMLParser):
    """The links and the forms that change something on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method") == "post":
            self.forms.append(values["action"])
        elif tag == "a":
            self.links.append(values.get("href", "").partition("#")[0])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A local server in which every page has something to show."""
    with server(tmp_path_factory.mktemp("forms")) as served:
        for run, number, good in (("golden", 1, None), ("broken", 2, BAD)):
            served.run(served.gate.create_run(Run(run, "default", branch="main" if good is None else "feature")))
            served.give(persist_trace(number) if good is None else persist_trace(number, good=good), run=run)
            served.run(served.gate.finish_run("default", run))
            served.run(served.gate.verdict("default", run, wait=20))
        served.run(served.gate.create_run(Run("elsewhere", "default", environment="staging")))
        served.give(persist_trace(3), run="elsewhere")
        served.run(served.gate.finish_run("default", "elsewhere"))
        served.run(served.gate.verdict("default", "elsewhere", wait=20))
        (baseline,) = served.run(served.gate.baselines("default"))
        served.run(served.gate.generate_spec("default", baseline_id=baseline.id, by="eve"))
        served.run(served.gate.create_token("default", "ci", ("read", "admin")))
        yield served


def test_every_form_that_a_page_shows_is_in_the_table(told: Server) -> None:
    """From link to link through all pages: each form leads to a line of the table, and each line that this project can show is met."""
    _, secret = told.run(told.gate.create_token("default", "person", ("read", "review", "admin")))
    cookies, seen, met = {"spangate_session": secret}, set[str](), set[str]()
    waiting = ["/projects/default"]
    with httpx.Client(
        base_url=told.url, headers={"accept": "text/html"}, cookies=cookies, timeout=TIMEOUT, trust_env=False
    ) as person:
        while waiting:
            address = waiting.pop(0)
            if address in seen or not address.startswith("/projects/default"):
                continue
            assert len(seen) < 300
            seen.add(address)
            answer = person.get(address)
            assert answer.status_code in (200, 303, 409), (address, answer.text)
            page = Found()
            page.feed(answer.text if "text/html" in answer.headers.get("content-type", "") else "")
            waiting += [str(httpx.URL(told.url + address).join(link)).removeprefix(told.url) for link in page.links if link]
            met |= {pattern(form) for form in page.forms}
    assert met <= {*BEHIND, *SESSION}
    assert {*BEHIND, *SESSION} - met == ELSEWHERE


def pattern(action: str) -> str:
    """The handler's path that an address belongs to; the one with the fewest parameters."""
    fitting = [
        path
        for path in of_pages()
        if re.fullmatch(re.sub(r"{[^}]*}", "[^/]+", path), httpx.URL(action).path)
    ]  # fmt: skip
    assert fitting, f"no handler for the form {action}"
    return min(fitting, key=lambda path: path.count("{"))
