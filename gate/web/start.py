"""The start page: what ran last, what waits for a decision, what to do when there is nothing yet."""

from litestar import Response, get
from litestar.params import FromPath

from gate.web.answer import html
from gate.web.visit import InjectedVisit
from gate.web.words import address


@get("/", scope="read")
async def root(visit: InjectedVisit) -> Response[bytes]:
    """The projects; whoever sees one only is led into it."""
    projects = await visit.gate.projects() if visit.caller.every_project else ()
    if len(projects) < 2:
        return html(visit.request, "", status=303, headers={"location": address("projects", visit.project)})
    return await visit.page("pages/projects.html", title="Projects", all_projects=projects)


@get("/projects/{project:str}", scope="read")
async def project_start(visit: InjectedVisit, project: FromPath[str]) -> Response[bytes]:
    """One project."""
    return await visit.page("pages/start.html", title=project)
