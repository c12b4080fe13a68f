"""Our style sheets, scripts and images, under an address that changes with their content: browsers keep them for good."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from gate.errors import NotFound
from gate.report.templates import FOLDERS
from gate.web.answer import compressed

_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
_SHARED = ("base.css", "side_by_side.css")
"""Files of the self-contained report that pages use too."""
_FOREVER = "public, max-age=31536000, immutable"


@cache
def files() -> dict[str, bytes]:
    """Name → content of everything that is served."""
    folder = next(folder for folder in FOLDERS if (folder / "pages").is_dir())
    static = folder / "pages" / "static"
    found = {path.relative_to(static).as_posix(): path.read_bytes() for path in _paths(static)}
    return found | {name: (folder / "report" / name).read_bytes() for name in _SHARED}


@cache
def digest() -> str:
    """Names the content of all files together."""
    return sha256(b"\0".join(name.encode() + b"\0" + body for name, body in sorted(files().items()))).hexdigest()[:12]


def static(name: str) -> str:
    """The address of a file, for templates. KeyError for one that does not exist."""
    files()[name]
    return f"/static/{digest()}/{name}"


@get("/static/{version:str}/{name:path}", opt={"open": True}, include_in_schema=False)
async def static_file(request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One file. Another version's address gives today's file, which is then not kept."""
    name = name.removeprefix("/")
    body = files().get(name)
    if body is None:
        raise NotFound(f"There is no file {name[:80]!r}.")
    kept = _FOREVER if version == digest() else "no-cache"
    return compressed(request, body, _MEDIA_TYPES[Path(name).suffix], headers={"cache-control": kept})


def _paths(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix in _MEDIA_TYPES]
