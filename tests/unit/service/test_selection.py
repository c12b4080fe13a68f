"""Which golden samples count, as a pure function."""

from gate.model.flow import FlowKey
from gate.model.run import Run
from gate.store.values import Sample
from gate.usecases.selection import KEPT, LEARNED, baseline_id, choose, surplus

KEY = FlowKey("checkout", "web", "POST /orders")
RUN = Run("candidate", "shop", base_commit="base", environment="ci")


def samples(*given: str, gate: str = "default", environment: str = "ci", key: FlowKey = KEY) -> list[Sample]:
    """`commit` or `commit!` (pinned), newest first."""
    return [
        Sample(baseline_id(gate, environment, key), gate, environment, key, f"{position}{environment}", f"run {position}",
               one.rstrip("!"), one.endswith("!"), 1000 - position, "eve")
        for position, one in enumerate(given)
    ]  # fmt: skip


def chosen(given: list[Sample], run: Run = RUN, ran: tuple[FlowKey, ...] = (KEY,)) -> tuple[list[str], str]:
    """Commits and reason for `KEY`."""
    choice = choose(given, run, ran).get(KEY)
    return ([sample.commit for sample in choice.samples], choice.reason) if choice else ([], "")


def test_what_a_person_promoted_wins():
    """Pinned samples hide self-promoted ones, also newer and of the base commit."""
    assert chosen(samples("newest", "base", "old!")) == (["old"], "pinned")


def test_the_base_commit_comes_next():
    """The run at the base commit, with what was promoted before it; nothing newer."""
    assert chosen(samples("newer", "base", "base", "older")) == (["base", "base", "older"], "merge-base")


def test_then_the_newest_of_the_branch():
    """When nobody ran at the base commit, or it is not known."""
    assert chosen(samples("newer", "older")) == (["newer", "older"], "branch-latest")
    assert chosen(samples("", "older"), Run("candidate", "shop")) == (["", "older"], "branch-latest")


def test_only_the_newest_are_learned():
    """At most `LEARNED`."""
    assert len(chosen(samples(*["x"] * 50))[0]) == LEARNED


def test_a_run_is_never_its_own_baseline():
    """Its own samples are left out; other runs' stay."""
    assert chosen(samples("own", "other"), Run("run 0", "shop")) == (["other"], "branch-latest")


def test_other_gates_do_not_count():
    """A gate has its own baselines."""
    assert chosen(samples("x", gate="e2e")) == ([], "")


def test_another_environment_only_in_need():
    """Samples of the own environment win; another's serve a flow that ran, with the reason; not one that did not run."""
    staging = samples("s!", environment="staging")
    assert chosen(samples("c") + staging) == (["c"], "branch-latest")
    assert chosen(staging) == (["s"], "pinned, of environment staging")
    assert chosen(staging, ran=()) == ([], "")


def test_flows_that_did_not_run_are_chosen_too():
    """Else a missing flow would go unseen."""
    assert chosen(samples("c"), ran=()) == (["c"], "branch-latest")


def test_self_promoted_samples_are_bounded():
    """Beyond the newest `KEPT` of each of its flows a trace is surplus; a pinned one never is."""
    many = samples(*["x"] * (KEPT + 2), "pinned!")
    assert surplus(many) == (f"{KEPT}ci", f"{KEPT + 1}ci")
    second = FlowKey("login", "web", "POST /login")
    shared = samples(*["x"] * (KEPT + 1))
    rare = [Sample(baseline_id("default", "ci", second), "default", "ci", second, f"{KEPT}ci", "r", "x", False, 1, "eve")]
    assert surplus(shared + rare) == ()


def test_a_baseline_id_is_stable():
    """It is in URLs: the same on every server and in every version, different for every part."""
    assert baseline_id("default", "ci", KEY) == "132056144cadfdef"
    keys = (KEY, FlowKey("", "a", "b"), FlowKey("a", "", "b"))
    assert len({baseline_id(gate, environment, key) for gate in "ab" for environment in "ab" for key in keys}) == 12
