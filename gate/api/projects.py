"""Projects, their policy and their tokens."""

import msgspec
from litestar import Controller, delete, get, patch, post, put
from litestar.params import JSONBody

from gate.api.auth import own_project
from gate.api.bodies import After, Limit, NewProject, NewToken, ProjectChange, ProjectName, TokenId
from gate.api.gate import InjectedCaller, InjectedGate
from gate.api.problems import problems
from gate.errors import Forbidden
from gate.model.policy import Policy
from gate.service import AuditPage, PolicyEffect, Project, Token


class CreatedToken(msgspec.Struct, frozen=True):
    """A new token. `secret` is shown this once; only its hash is stored."""

    token: Token
    secret: str


class ProjectsController(Controller):
    """`/api/v1/projects`."""

    path = "/projects"
    tags = ("projects",)

    @get("/", scope="read", responses=problems())
    async def list_projects(self, gate: InjectedGate, caller: InjectedCaller) -> tuple[Project, ...]:
        """The projects that the caller may see, by name."""
        return await gate.projects() if caller.every_project else (await gate.project(caller.project),)

    @post("/", scope="admin", responses=problems(409, 415))
    async def create_project(self, gate: InjectedGate, caller: InjectedCaller, data: JSONBody[NewProject]) -> Project:
        """Make a project. Only with the server's admin token, or in local mode: a project's own token cannot."""
        if not caller.every_project:
            raise Forbidden("A project's token cannot make projects.", hint="Use the server's SPANGATE_ADMIN_TOKEN.")
        return await gate.create_project(data.name, retention_days=data.retention_days, base_branch=data.base_branch)

    @get("/{name:str}", scope="read", responses=problems())
    async def get_project(self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName) -> Project:
        """One project."""
        return await gate.project(own_project(caller, name))

    @patch("/{name:str}", scope="admin", responses=problems(415))
    async def update_project(
        self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName, data: JSONBody[ProjectChange]
    ) -> Project:
        """Change the retention, the base branch, or what runs on the base branch do to the baselines."""
        return await gate.update_project(own_project(caller, name), **msgspec.structs.asdict(data), by=caller.name)

    @get("/{name:str}/policy", scope="read", responses=problems())
    async def get_policy(self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName) -> Policy:
        """Which change has which level, what to ignore."""
        return await gate.policy(own_project(caller, name))

    @put("/{name:str}/policy", scope="admin", responses=problems(415))
    async def set_policy(self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName, data: JSONBody[Policy]) -> Policy:
        """Replace the policy. Verdicts that are asked for afterwards are judged with it."""
        return await gate.set_policy(own_project(caller, name), data, by=caller.name)

    @post("/{name:str}/policy/preview", status_code=200, scope="admin", responses=problems(415))
    async def preview_policy(
        self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName, data: JSONBody[Policy]
    ) -> tuple[PolicyEffect, ...]:
        """What the policy would change in the ten newest judged runs. Nothing is written."""
        return await gate.preview_policy(own_project(caller, name), data)

    @get("/{name:str}/history", scope="admin", responses=problems())
    async def project_history(
        self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName, limit: Limit = 50, after: After = ""
    ) -> AuditPage:
        """Who changed what, newest first."""
        return await gate.history(own_project(caller, name), limit=limit, after=after)

    @get("/{name:str}/tokens", scope="admin", responses=problems())
    async def list_tokens(self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName) -> tuple[Token, ...]:
        """The project's tokens, without their secrets."""
        return await gate.tokens(own_project(caller, name))

    @post("/{name:str}/tokens", scope="admin", responses=problems(415))
    async def create_token(
        self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName, data: JSONBody[NewToken]
    ) -> CreatedToken:
        """Make a token. The first one ends local mode: from then on every request needs a token."""
        token, secret = await gate.create_token(own_project(caller, name), data.name, data.scopes, by=caller.name)
        return CreatedToken(token, secret)

    @delete("/{name:str}/tokens/{token_id:str}", scope="admin", responses=problems())
    async def delete_token(self, gate: InjectedGate, caller: InjectedCaller, name: ProjectName, token_id: TokenId) -> None:
        """Delete a token; it is refused from now on."""
        await gate.delete_token(own_project(caller, name), token_id, by=caller.name)
