"""The places that every page leads to."""

import msgspec


class Place(msgspec.Struct, frozen=True):
    """An entry of the navigation: `/projects/{project}/{path}`."""

    name: str
    path: str
    key: str
    """The keys that go there, one after the other."""
    scope: str = "read"
    """Who lacks it does not see the entry."""


NAVIGATION = (
    Place("Start", "", "g s"),
    Place("Runs", "runs", "g r"),
    Place("Traces", "traces", "g t"),
    Place("Flows", "flows", "g f"),
    Place("Specs", "specs", "g p"),
    Place("Settings", "settings", "g e"),
)
