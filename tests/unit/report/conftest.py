"""Snapshots of reports, each a file of its own that a person can open and review."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


def _extension(suffix: str) -> type[SingleFileSnapshotExtension]:
    class Extension(SingleFileSnapshotExtension):
        file_extension = suffix
        _write_mode = WriteMode.TEXT

    return Extension


_EXTENSIONS = {suffix: _extension(suffix) for suffix in ("md", "txt", "xml", "json", "html")}
_SUFFIXES = {"md": "md", "summary": "md", "text": "txt", "annotations": "txt", "junit": "xml", "json": "json", "html": "html"}


@pytest.fixture
def report_snapshot(snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> SnapshotAssertion:
    """The snapshot with the file extension of the test's `format` parameter (Markdown without one)."""
    format = request.node.callspec.params.get("format", "md") if hasattr(request.node, "callspec") else "md"
    return snapshot.use_extension(_EXTENSIONS[_SUFFIXES[format]])
