"""Projects: names and settings that are checked before they are stored."""

import re
from collections.abc import Mapping

from gate.errors import BadRequest, Conflict
from gate.service import Project
from gate.store.protocols import Stores

DEFAULT = "default"
"""The project that exists from the start, and that local mode uses."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_AUTO_PROMOTE = ("accept", "if-approved", "hold")


async def create(stores: Stores, project: Project, *, now_ns: int) -> Project:
    """Raises BadRequest, and Conflict when the name is taken."""
    if not _NAME.fullmatch(project.name):
        raise BadRequest(
            f"{project.name[:80]!r} is not a project name.",
            hint="Use up to 63 lower-case letters, digits, dots, dashes, underscores; begin with a letter or digit.",
        )
    _check({"retention_days": project.retention_days, "base_branch": project.base_branch, "auto_promote": project.auto_promote})
    return await stores.projects.create(project, now_ns=now_ns)


async def update(stores: Stores, name: str, changes: Mapping[str, str | int], *, by: str, now_ns: int) -> Project:
    """Raises BadRequest, NotFound."""
    _check(changes)
    return await stores.projects.update(name, changes, by=by, now_ns=now_ns)


async def ensure_default(stores: Stores, retention_days: int, *, now_ns: int) -> None:
    """Make the default project when it is not there; two servers at once make one."""
    try:
        await stores.projects.create(Project(DEFAULT, retention_days), now_ns=now_ns)
    except Conflict:
        return


def _check(values: Mapping[str, str | int]) -> None:
    match values.get("retention_days", 0):
        case int(days) if 0 <= days <= 36_500:
            pass
        case other:
            raise BadRequest(f"retention_days is {other!r}; it must be 0 (keep everything) to 36500.")
    match values.get("base_branch", "main"):
        case str(branch) if 0 < len(branch) <= 250:
            pass
        case _:
            raise BadRequest("base_branch must be a branch name of 1 to 250 characters.")
    if values.get("auto_promote", "hold") not in _AUTO_PROMOTE:
        raise BadRequest(f"auto_promote is {values['auto_promote']!r}; it must be one of {', '.join(_AUTO_PROMOTE)}.")
