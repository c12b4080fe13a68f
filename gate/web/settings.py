"""Settings of a project: retention, policy, tokens, and who changed what."""

import time

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from gate.api.auth import SCOPES
from gate.codec.written_yaml import decode_yaml
from gate.compare import DEFAULT_LEVELS
from gate.errors import BadRequest, GateError
from gate.model.policy import Policy
from gate.spec.yaml_text import dump
from gate.web.specs import Mistake
from gate.web.visit import InjectedVisit, Visit

_ENTRIES = 50


@get("/projects/{project:str}/settings", scope="read")
async def show_settings(visit: InjectedVisit, after: FromQuery[str] = "") -> Response[bytes]:
    """Everything that a project can be told; tokens and the audit log for those who may."""
    return await _page(visit, after=after)


@post("/projects/{project:str}/settings", scope="admin")
async def change_settings(visit: InjectedVisit) -> Response[bytes]:
    """Retention, base branch, what runs on it do to the baselines."""
    form = visit.form
    try:
        days = form.get("retention_days", "").strip()
        if not days.isdecimal() or len(days) > 6:
            raise BadRequest("The retention is a number of days: 0 (keep everything) to 36500.")
        await visit.gate.update_project(
            visit.project,
            retention_days=int(days),
            base_branch=form.get("base_branch", "").strip(),
            auto_promote=form.get("auto_promote", ""),
            by=visit.caller.name,
        )
    except GateError as error:
        return visit.back(visit.to("settings"), f"Not saved: {error.detail}", "failed")
    return visit.back(visit.to("settings"), "Saved.")


@post("/projects/{project:str}/settings/prune", scope="admin")
async def prune(visit: InjectedVisit) -> Response[bytes]:
    """Delete what is older than the retention."""
    try:
        done = await visit.gate.prune(visit.project, now_ns=time.time_ns())
    except GateError as error:
        return visit.back(visit.to("settings"), f"Not deleted: {error.detail}", "failed")
    return visit.back(visit.to("settings"), f"Deleted {done.traces:,} traces and {done.runs:,} runs; persistent ones stay.")


@post("/projects/{project:str}/settings/policy", scope="admin")
async def change_policy(visit: InjectedVisit) -> Response[bytes]:
    """Preview the policy, or save it. What is wrong is said in the form."""
    text = visit.form.get("policy", "").replace("\r\n", "\n")
    try:
        policy = decode_yaml(text, Policy, source="policy")
        if visit.form.get("then") == "save":
            await visit.gate.set_policy(visit.project, policy, by=visit.caller.name)
            return visit.back(
                visit.to("settings"), "Saved. Verdicts of the last day are made again when they are next looked at."
            )
        effects = await visit.gate.preview_policy(visit.project, policy)
    except BadRequest as error:
        return await _page(visit, policy=text, mistake=Mistake("policy", error.detail, error.hint), status=400)
    return await _page(visit, policy=text, effects=effects)


@post("/projects/{project:str}/settings/tokens", scope="admin")
async def create_token(visit: InjectedVisit) -> Response[bytes]:
    """The secret is in this answer and nowhere else: no redirect, nothing that a reload shows again."""
    scopes = tuple(scope for scope in SCOPES if visit.form.get(f"scope-{scope}"))
    try:
        token, secret = await visit.gate.create_token(
            visit.project, visit.form.get("name", "").strip(), scopes, by=visit.caller.name
        )
    except GateError as error:
        return visit.back(visit.to("settings"), f"No token was made: {error.detail}", "failed")
    return await visit.page("pages/token.html", title="New token", token=token, secret=secret)


@post("/projects/{project:str}/settings/tokens/{token_id:str}/delete", scope="admin")
async def delete_token(visit: InjectedVisit, token_id: FromPath[str]) -> Response[bytes]:
    """It is refused from now on."""
    try:
        await visit.gate.delete_token(visit.project, token_id, by=visit.caller.name)
    except GateError as error:
        return visit.back(visit.to("settings"), f"Not deleted: {error.detail}", "failed")
    return visit.back(visit.to("settings"), "The token is refused from now on.")


async def _page(
    visit: Visit,
    *,
    after: str = "",
    policy: str | None = None,
    mistake: Mistake | None = None,
    effects: object = None,
    status: int = 200,
) -> Response[bytes]:
    admin = visit.may("admin")
    project = await visit.gate.project(visit.project)
    stored = await visit.gate.policy(visit.project)
    history = await visit.gate.history(visit.project, limit=_ENTRIES, after=after) if admin else None
    return await visit.page(
        "pages/settings.html",
        title="Settings",
        status=status,
        project=project,
        would=await visit.gate.prune(visit.project, now_ns=time.time_ns(), dry_run=True),
        policy=_policy_text(stored) if policy is None else policy,
        mistake=mistake,
        effects=effects,
        kinds=sorted(DEFAULT_LEVELS),
        tokens=await visit.gate.tokens(visit.project) if admin else (),
        scopes=SCOPES,
        history=history.entries if history else (),
        older=visit.to("settings", after=history.next) if history and history.next else "",
        newest=visit.to("settings") if after else "",
    )


def _policy_text(policy: Policy) -> str:
    written = msgspec.to_builtins(policy)
    kept = {key: value for key, value in written.items() if value}
    return dump(kept) if kept else ""


SETTINGS_PAGES = [show_settings, change_settings, prune, change_policy, create_token, delete_token]
