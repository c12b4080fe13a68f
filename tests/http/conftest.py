"""One application for the tests of a file; each test makes a project of its own where it must be alone."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.http.served import Api, served

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in local mode: no token, every project."""
    with served(tmp_path_factory.mktemp("served")) as url:
        yield url


@pytest.fixture
def api(address: str) -> Api:
    """In an empty project."""
    name = f"project-{next(_NUMBERS)}"
    Api(address).ok("POST", "/projects", {"name": name})
    return Api(address, project=name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pytest-xdist runs one test a node id; those that schemathesis makes lack the operation with pytest 9, so that one of thirty
    would run."""
    for item in items:
        label = getattr(item, "operation_label", "")
        if label and label not in item.nodeid:
            item._id = item.id.with_params(label)  # type: ignore[attr-defined]
