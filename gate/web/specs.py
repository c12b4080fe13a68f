"""Specs that the server keeps: read, edited in place, checked on stored traces, taken away."""

import asyncio
import re

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from gate.api.media import MEDIA_TYPES
from gate.api.specs import spec_file
from gate.codec.written_yaml import decode_yaml
from gate.errors import BadRequest, Conflict, GateError, NotFound
from gate.service import SavedSpec
from gate.spec import FORMATS, SUFFIXES, Spec, SpecFormat, parse_spec
from gate.spec.sentences import sentence
from gate.spec.spec import Value
from gate.spec.yaml_text import dump
from gate.web.answer import compressed
from gate.web.visit import InjectedVisit, Visit

_Environments = dict[str, dict[str, Value]]
_LINE = re.compile(r"^(?:spec|environments):(\d+): ")
_AROUND = 2


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong in a form, where, and the lines around it."""

    field: str
    message: str
    hint: str
    line: int = 0
    excerpt: tuple[tuple[int, str], ...] = ()


@get("/projects/{project:str}/specs", scope="read")
async def list_specs(visit: InjectedVisit) -> Response[bytes]:
    """By name, with the last result of every environment."""
    return await visit.page(
        "pages/specs.html",
        title="Specs",
        specs=await visit.gate.specs(visit.project),
        baselines=await visit.gate.baselines(visit.project) if visit.may("review") else (),
    )


@post("/projects/{project:str}/specs", scope="review")
async def create_spec(visit: InjectedVisit) -> Response[bytes]:
    """From a baseline, a trace, or a file."""
    form, by = visit.form, visit.caller.name
    where = visit.return_address(visit.to("specs"))
    try:
        if form.get("text", "").strip():
            made = await visit.gate.create_spec(visit.project, _text(form["text"]), by=by)
        else:
            made = await visit.gate.generate_spec(
                visit.project, baseline_id=form.get("baseline", ""), trace_id=form.get("trace", ""), by=by
            )
    except GateError as error:
        return visit.back(where, f"No spec was made: {error.detail} {error.hint}".strip(), "failed")
    return visit.back(visit.to("specs", made.id), "Generated; change what you know better.")


@get("/projects/{project:str}/specs/{spec_id:str}", scope="read")
async def show_spec(visit: InjectedVisit, spec_id: FromPath[str]) -> Response[bytes]:
    """One spec."""
    return await _page(visit, await visit.gate.spec(visit.project, spec_id))


@post("/projects/{project:str}/specs/{spec_id:str}", scope="review")
async def change_spec(visit: InjectedVisit, spec_id: FromPath[str]) -> Response[bytes]:
    """Save. What is wrong is said in the form, which keeps what was typed."""
    form = visit.form
    text, environments = _text(form.get("text", "")), _text(form.get("environments", ""))
    saved = await visit.gate.spec(visit.project, spec_id)
    try:
        version = int(form.get("version", "0")) if form.get("version", "").isdecimal() else 0
        parsed = _environments(environments)
        await visit.gate.change_spec(
            visit.project, spec_id, version=version, text=text, environments=parsed, by=visit.caller.name
        )
    except BadRequest as error:
        return await _page(visit, saved, text, environments, _mistake(error, text, environments), status=400)
    except Conflict as error:
        return await _page(visit, saved, text, environments, Mistake("text", error.detail, error.hint), status=409)
    return visit.back(visit.to("specs", spec_id), "Saved.")


@post("/projects/{project:str}/specs/{spec_id:str}/check", scope="review")
async def check_spec(visit: InjectedVisit, spec_id: FromPath[str]) -> Response[bytes]:
    """Check a stored trace, the newest one when none is named."""
    form = visit.form
    where = visit.to("specs", spec_id)
    try:
        outcome = await visit.gate.check_spec(
            visit.project,
            spec_id,
            environment=form.get("environment", "").strip()[:250],
            trace_id=form.get("trace", "").strip().lower(),
            by=visit.caller.name,
        )
    except GateError as error:
        return visit.back(where, f"Not checked: {error.detail}", "failed")
    failed = sum(not check.ok for check in outcome.checks)
    if failed:
        return visit.back(where, f"{failed} of {len(outcome.checks)} validations do not hold in {outcome.environment}.", "failed")
    return visit.back(where, f"All {len(outcome.checks)} validations hold in {outcome.environment}.")


@post("/projects/{project:str}/specs/{spec_id:str}/delete", scope="review")
async def delete_spec(visit: InjectedVisit, spec_id: FromPath[str]) -> Response[bytes]:
    """With its results."""
    try:
        await visit.gate.delete_spec(visit.project, spec_id, by=visit.caller.name)
    except NotFound:
        return visit.back(visit.to("specs"), "It was deleted already.", "failed")
    return visit.back(visit.to("specs"), "Deleted.")


@get("/projects/{project:str}/specs/{spec_id:str}/file/{format:str}", scope="read")
async def download(
    visit: InjectedVisit, spec_id: FromPath[str], format: FromPath[str], environment: FromQuery[str] = ""
) -> Response[bytes]:
    """To take away."""
    saved = await visit.gate.spec(visit.project, spec_id)
    known: dict[str, SpecFormat] = {each: each for each in FORMATS}
    if format not in known:
        raise NotFound(f"A spec has no form {format[:40]!r}.", hint=f"There are {', '.join(FORMATS)}.")
    text = await asyncio.to_thread(spec_file, saved, environment, known[format])
    name = (re.sub(r"[^a-z0-9]+", "_", saved.name.lower()).strip("_")[:60] or "spec") + SUFFIXES[known[format]]
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return compressed(visit.request, text.encode("utf-8", "replace"), MEDIA_TYPES[format], headers=headers)


async def _page(
    visit: Visit,
    saved: SavedSpec,
    text: str | None = None,
    environments: str | None = None,
    mistake: Mistake | None = None,
    *,
    status: int = 200,
) -> Response[bytes]:
    try:
        spec: Spec | None = parse_spec(saved.text)
    except BadRequest:  # saved by a version that read it otherwise
        spec = None
    written = dump(saved.environments) if saved.environments else ""
    return await visit.page(
        "pages/spec.html",
        title=saved.name[:80],
        status=status,
        saved=saved,
        spec=spec,
        sentences=[each.name or sentence(each) for each in spec.validations] if spec else [],
        text=saved.text if text is None else text,
        environments=written if environments is None else environments,
        example=_example(spec),
        mistake=mistake,
        formats={"yaml": "YAML", "pytest": "pytest", "curl": "cURL", "tracetest": "Tracetest"},
    )


def _example(spec: Spec | None) -> str:
    names = list(spec.parameters) if spec else []
    first = "base_url" if "base_url" in names or not names else names[0]
    return f"staging:\n  {first}: https://staging.example"


def _environments(text: str) -> _Environments:
    return decode_yaml(text, _Environments, source="environments") if text.strip() else {}


def _mistake(error: BadRequest, text: str, environments: str) -> Mistake:
    field = "environments" if error.detail.startswith("environments") else "text"
    found = _LINE.match(error.detail)
    if not found:
        return Mistake(field, error.detail, error.hint)
    line = int(found[1])
    lines = (environments if field == "environments" else text).splitlines()
    excerpt = tuple((number, lines[number - 1]) for number in range(max(1, line - _AROUND), min(len(lines), line + _AROUND) + 1))
    return Mistake(field, f"Line {line}: {error.detail[found.end() :]}", error.hint, line, excerpt)


def _text(typed: str) -> str:
    """What a text area sends, with the line ends of a file."""
    return typed.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n" if typed.strip() else ""


SPEC_PAGES = [list_specs, create_spec, show_spec, change_spec, check_spec, delete_spec, download]
