"""One request of a person: who they are, what they may, and how the answer looks. Handlers of pages get it as `visit`."""

import asyncio
import base64
import binascii
import secrets
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Literal, TypeAlias

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from markupsafe import Markup

from gate.api.auth import has_scope
from gate.errors import BadRequest
from gate.service import Caller, Gate, Project
from gate.usecases.recent import Recent
from gate.web.answer import html, streamed
from gate.web.navigation import NAVIGATION
from gate.web.problems import problem_part
from gate.web.session import SESSION, VISITOR, Sessions, csrf_token, new_visitor
from gate.web.templates import page_templates
from gate.web.words import address

FLASH = "spangate_flash"
_FLASH_SECONDS = 60
_FRAME_AFTER = 0.03
"""Seconds after which a page begins without what it is about."""
_REASON = 2000
"""Characters of a reason, as in the API."""

Tone: TypeAlias = Literal["done", "failed"]
WebRequest: TypeAlias = Request[Any, Any, Any]


class Flash(msgspec.Struct, frozen=True):
    """What the last change came to; said once, on the page after it."""

    text: str
    tone: Tone = "done"


class Visit:
    """Templates see it as `visit`."""

    def __init__(
        self, request: WebRequest, gate: Gate, caller: Caller, sessions: Sessions, recent: Recent, *, local: bool
    ) -> None:
        self.request = request
        self.gate = gate
        self.caller = caller
        self.local = local
        """Whether there is no login."""
        self.recent = recent
        """What pages of everybody have made lately."""
        self._sessions = sessions
        self._cookies: list[Cookie] = []

    @property
    def project(self) -> str:
        """The name of the project that the page is in."""
        return self.caller.project

    @property
    def form(self) -> dict[str, str]:
        """The fields of the form that was sent; checked to be ours."""
        form: dict[str, str] = self.request.state.get("form", {})
        return form

    @property
    def reason(self) -> str:
        """The form's reason. Raises BadRequest when it is too long."""
        reason = self.form.get("reason", "").strip()
        if len(reason) > _REASON:
            raise BadRequest(f"The reason has {len(reason):,} characters; at most {_REASON:,} are kept.")
        return reason

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in self.request.headers

    def may(self, scope: str) -> bool:
        """Whether to show what needs this scope."""
        return has_scope(self.caller, scope)

    def to(self, *parts: str, **query: object) -> str:
        """The address of a page of this project: `visit.to("traces", trace_id, span=span_id)`."""
        return address("projects", self.project, *parts, **query)

    def csrf(self) -> str:
        """The hidden field of every form (`forms.html` writes it)."""
        cookies = self.request.cookies
        key = cookies.get(SESSION) or cookies.get(VISITOR)
        if not key:
            key = next((cookie.value for cookie in self._cookies if cookie.key == VISITOR), None)
        if not key:
            key = new_visitor()
            self._cookies.append(self._sessions.cookie(self.request, VISITOR, key))
        return csrf_token(key)

    async def page(self, template: str, *, title: str, status: int = 200, **values: Any) -> Response[bytes]:
        """A whole page, with everything around it. Rendering runs in a thread."""
        projects = await self._projects()
        text = await asyncio.to_thread(self._render, template, {"title": title, "projects": projects, **values})
        return html(self.request, text, status=status, cookies=self._cookies)

    async def page_around(
        self, template: str, part: str, made: Awaitable[dict[str, Any]], *, title: str, **values: Any
    ) -> Response[Any]:
        """A page around something that may take long. When it does, everything before it is sent at once, with `waiting` in its
        place, and the rest (`part`, with what was made) when it is there: browsers paint the beginning meanwhile, without script
        too. What fails early is a problem page, what fails late says so in its place."""
        task = asyncio.ensure_future(made)
        await asyncio.wait({task}, timeout=_FRAME_AFTER)
        if task.done():
            return await self.page(template, title=title, part=part, waiting="", **values, **task.result())
        self.csrf()  # its cookie is a header: now or never
        place = Markup(f"<!--{secrets.token_hex(8)}-->")  # noqa: S704 - what no content can hold
        frame = {"title": title, "projects": await self._projects(), "part": part, "waiting": place, **values}
        before, after = (await asyncio.to_thread(self._render, template, frame)).split(place)

        async def parts() -> AsyncIterator[str]:
            yield before
            try:
                rest = {**frame, "waiting": "", **await task}
                yield await asyncio.to_thread(page_templates().get_template(part).render, visit=self, **rest)
            except Exception as error:
                yield problem_part(self.request, error)
            yield after

        return streamed(self.request, parts(), cookies=self._cookies)

    async def part(self, template: str, **values: Any) -> Response[bytes]:
        """A part of a page, for htmx."""
        text = await asyncio.to_thread(page_templates().get_template(template).render, visit=self, **values)
        return html(self.request, text, cookies=self._cookies)

    def back(self, where: str, text: str, tone: Tone = "done") -> Response[bytes]:
        """After a change: go to `where` (303) and say there what it came to."""
        said = base64.urlsafe_b64encode(msgspec.json.encode(Flash(text[:1000], tone))).decode().rstrip("=")
        cookie = self._sessions.cookie(self.request, FLASH, said, max_age=_FLASH_SECONDS)
        return html(self.request, "", status=303, headers={"location": where}, cookies=[cookie])

    def return_address(self, default: str) -> str:
        """Where the form came from, when it says so and it is a page of ours."""
        wanted = self.form.get("return", "")
        return wanted if is_local_address(wanted) else default

    async def _projects(self) -> tuple[Project, ...]:
        if self.caller.every_project:
            return await self.gate.projects()
        return (await self.gate.project(self.caller.project),)

    def _render(self, template: str, values: dict[str, Any]) -> str:
        flash = self._flash()
        return page_templates().get_template(template).render(visit=self, flash=flash, navigation=NAVIGATION, **values)

    def _flash(self) -> Flash | None:
        said = self.request.cookies.get(FLASH, "")
        if not said:
            return None
        self._cookies.append(self._sessions.cookie(self.request, FLASH, "", max_age=0))
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)), type=Flash)
        except (binascii.Error, ValueError, msgspec.DecodeError):
            return None


def is_local_address(wanted: str) -> bool:
    """Whether this is a path of this server: nothing that a browser could read as another host."""
    return wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable() and "\\" not in wanted


InjectedVisit: TypeAlias = NamedDependency[SkipValidation[Visit]]
"""How handlers get their visit."""
