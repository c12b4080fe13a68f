"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from gate.errors import BadRequest


def write_whole(path: Path, data: bytes) -> None:
    """Write beside the file, then rename: a reader sees the old content or the new. Raises BadRequest when it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadRequest(f"Cannot write {path}: {error.strerror}.") from None


def read_text(path: Path) -> str:
    """The file's text. Raises BadRequest when it cannot be read, or is no UTF-8."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise BadRequest(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadRequest(f"{path} is no UTF-8 text.") from None
