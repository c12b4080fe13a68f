"""Projects and tokens in SQL."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select, update

from gate.errors import Conflict, NotFound
from gate.model.policy import Policy
from gate.service import Project, Token
from gate.store.sql.database import Database
from gate.store.sql.lookup import next_revision, project_key, upsert, write_audit
from gate.store.sql.schema import projects, runs, stored, tokens
from gate.store.times import to_text


class SqlProjects:
    """See `Projects`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, project: Project, *, now_ns: int) -> Project:
        """See `Projects.create`."""

        def work(connection: Connection) -> Project:
            values = {
                "name": project.name,
                "retention_days": project.retention_days,
                "base_branch": stored(project.base_branch),
                "auto_promote": project.auto_promote,
                "created_ns": now_ns,
            }
            statement = upsert(connection.dialect, projects).values(values).on_conflict_do_nothing().returning(projects)
            row = connection.execute(statement).one_or_none()
            if row is None:
                raise Conflict(f"There is a project {project.name!r} already.")
            return _project(row)

        return await self._database.write(work)

    async def all(self) -> tuple[Project, ...]:
        """See `Projects.all`."""
        query = select(projects).order_by(projects.c.name)
        return await self._database.read(lambda connection: tuple(_project(row) for row in connection.execute(query)))

    async def one(self, name: str) -> Project:
        """See `Projects.one`."""

        def work(connection: Connection) -> Project:
            key = project_key(connection, name)
            return _project(connection.execute(select(projects).where(projects.c.key == key)).one())

        return await self._database.read(work)

    async def update(self, name: str, changes: Mapping[str, str | int], *, by: str = "", now_ns: int = 0) -> Project:
        """See `Projects.update`."""

        def work(connection: Connection) -> Project:
            key = project_key(connection, name)
            values = {column: stored(value) if isinstance(value, str) else value for column, value in changes.items()}
            if values:
                connection.execute(update(projects).where(projects.c.key == key).values(values))
                said = ", ".join(f"{column} {value}" for column, value in values.items())
                write_audit(connection, key, by=by, action="settings", subject=name, now_ns=now_ns, detail=said)
            return _project(connection.execute(select(projects).where(projects.c.key == key)).one())

        return await self._database.write(work)

    async def policy(self, name: str) -> Policy:
        """See `Projects.policy`."""

        def work(connection: Connection) -> Policy:
            key = project_key(connection, name)
            encoded = connection.scalar(select(projects.c.policy).where(projects.c.key == key))
            return msgspec.json.decode(encoded, type=Policy) if encoded else Policy()

        return await self._database.read(work)

    async def set_policy(self, name: str, policy: Policy, *, by: str, now_ns: int, stale_since_ns: int) -> None:
        """See `Projects.set_policy`."""

        def work(connection: Connection) -> None:
            key = project_key(connection, name)
            encoded = msgspec.json.encode(policy)
            if connection.scalar(select(projects.c.policy).where(projects.c.key == key)) == encoded:
                return
            connection.execute(update(projects).where(projects.c.key == key).values(policy=encoded))
            connection.execute(next_revision((runs.c.project == key) & (runs.c.finished_ns > stale_since_ns)))
            write_audit(connection, key, by=by, action="policy", subject=name, now_ns=now_ns, detail=encoded.decode())

        await self._database.write(work)


class SqlTokens:
    """See `Tokens`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: Token, digest: bytes, *, now_ns: int, by: str = "") -> Token:
        """See `Tokens.add`."""

        def work(connection: Connection) -> Token:
            key = project_key(connection, token.project)
            values = {"project": key, "id": token.id, "name": stored(token.name), "scopes": " ".join(token.scopes)}
            connection.execute(tokens.insert().values(**values, digest=digest, created_ns=now_ns))
            write_audit(connection, key, by=by, action="token created", subject=token.id, now_ns=now_ns, detail=token.name)
            return msgspec.structs.replace(token, created_at=to_text(now_ns))

        return await self._database.write(work)

    async def all(self, project: str) -> tuple[Token, ...]:
        """See `Tokens.all`."""

        def work(connection: Connection) -> tuple[Token, ...]:
            query = (
                select(tokens)
                .where(tokens.c.project == project_key(connection, project))
                .order_by(tokens.c.created_ns, tokens.c.id)
            )
            return tuple(_token(project, row) for row in connection.execute(query))

        return await self._database.read(work)

    async def delete(self, project: str, token_id: str, *, now_ns: int, by: str = "") -> None:
        """See `Tokens.delete`."""

        def work(connection: Connection) -> None:
            key = project_key(connection, project)
            if not connection.execute(delete(tokens).where(tokens.c.project == key, tokens.c.id == stored(token_id))).rowcount:
                raise NotFound(f"There is no token {token_id[:80]!r} in this project.")
            write_audit(connection, key, by=by, action="token deleted", subject=token_id, now_ns=now_ns)

        await self._database.write(work)

    async def by_digest(self, digest: bytes) -> Token | None:
        """See `Tokens.by_digest`."""
        query = select(tokens, projects.c.name.label("project_name")).join(projects).where(tokens.c.digest == digest)

        def work(connection: Connection) -> Token | None:
            row = connection.execute(query).one_or_none()
            return _token(row.project_name, row) if row else None

        return await self._database.read(work)

    async def any(self) -> bool:
        """See `Tokens.any`."""
        return await self._database.read(lambda connection: connection.scalar(select(tokens.c.id).limit(1)) is not None)


def _project(row: Row[Any]) -> Project:
    return Project(
        name=row.name,
        retention_days=row.retention_days,
        base_branch=row.base_branch,
        created_at=to_text(row.created_ns),
        auto_promote=row.auto_promote,
    )


def _token(project: str, row: Row[Any]) -> Token:
    return Token(row.id, project, row.name, tuple(row.scopes.split()), to_text(row.created_ns))
