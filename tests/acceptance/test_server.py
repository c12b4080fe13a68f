"""The command line with a server: one real `spangate serve` for the whole file, a project of its own where it matters."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.cli import execute, run_pytest, server, shop_service, spangate
from tests.ports import free_port

ADMIN = "acceptance-admin-token"
pytestmark = pytest.mark.xdist_group("acceptance-server")


class Gate:
    """The running server, and a token of every project that was asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._http = httpx.Client(base_url=f"{address}/api/v1", headers={"authorization": f"Bearer {ADMIN}"}, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._http.request(method, path, timeout=60, **arguments)
        response.raise_for_status()
        return response.json()

    def project(self, name: str, *scopes: str) -> dict[str, str]:
        """A project, and the environment of a client with a token of it."""
        if name not in {project["name"] for project in self.call("GET", "/projects")}:
            self.call("POST", "/projects", json={"name": name})
        token = {"name": "test", "scopes": scopes or ("ingest", "read", "review")}
        secret = self.call("POST", f"/projects/{name}/tokens", json=token)["secret"]
        return {"SPANGATE_SERVER": self.address, "SPANGATE_TOKEN": secret}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A server that needs a token."""
    folder = tmp_path_factory.mktemp("server")
    with server(folder, SPANGATE_ADMIN_TOKEN=ADMIN, SPANGATE_QUIET_SECONDS="0.5") as address:
        running = Gate(address)
        try:
            yield running
        finally:
            running.close()


@pytest.fixture(scope="module")
def shop(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A project with two golden runs, recorded by `exec --repeat 2 --update`; the environment that names it."""
    variables = gate.project("shop")
    result = execute("--repeat", "2", "--update", cwd=tmp_path_factory.mktemp("golden"), **variables)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("promoted 1 trace of run") == 2
    return variables


@pytest.fixture(scope="module")
def golden(gate: Gate, shop: dict[str, str]) -> str:
    """The id of one of its golden traces."""
    (baseline,) = gate.call("GET", "/baselines", params={"project": "shop"})
    assert len(baseline["samples"]) == 2
    return baseline["samples"][0]["trace_id"]


@pytest.fixture
def trace_file(shop: dict[str, str], golden: str, gate: Gate, tmp_path: Path) -> Callable[..., Path]:
    """Writes the golden trace as a file, without the operations of some names."""

    def write(*without: str, drop_root: bool = False) -> Path:
        path = tmp_path / f"{'-'.join(('trace', *without))}{'-cut' if drop_root else ''}.json"
        trace_id = hashlib.md5(str(path).encode()).hexdigest()
        data = gate.call("GET", f"/traces/{golden}", params={"format": "otlp", "project": "shop"})
        for resource in data["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                scope["spans"] = [
                    span | {"traceId": trace_id}
                    for span in scope["spans"]
                    if span["name"] not in without and (span.get("parentSpanId") or not drop_root)
                ]
        path.write_text(json.dumps(data))
        return path

    return write


def test_the_same_again_passes(shop: dict[str, str], tmp_path: Path) -> None:
    """An unchanged program passes; every report is written, the terminal has the page's address, whatever is printed; nothing is kept
    in the folder that the command ran in."""
    result = execute("--out", "reports", "--format", "junit", cwd=tmp_path, **shop)
    assert (result.returncode, 'value="pass"' in result.stdout) == (0, True), result.stdout + result.stderr
    assert f"spangate: this run's page: {shop['SPANGATE_SERVER']}/projects/shop/runs/" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"reports"}
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {
        "report.html", "comment.md", "summary.md", "junit.xml", "report.json",
    }  # fmt: skip


def test_a_regression_until_it_is_approved(gate: Gate, shop: dict[str, str], tmp_path: Path) -> None:
    """A lost write is exit 1; `show RUN` prints the same report; after `approve RUN` the next run passes and names who said so."""
    failed = execute(cwd=tmp_path, **shop, SHOP="no-insert")
    assert (failed.returncode, "no longer happens" in failed.stdout) == (1, True), failed.stdout + failed.stderr
    (hint,) = [line for line in failed.stderr.splitlines() if "spangate approve" in line]
    run = hint.split("spangate approve ")[1].split()[0]
    assert failed.stdout.splitlines()[-1] == f"this run's page: {gate.address}/projects/shop/runs/{run}"
    shown = spangate("show", run, cwd=tmp_path, **shop)
    assert (shown.returncode, shown.stdout) == (0, failed.stdout)
    approved = spangate("approve", run, "--reason", "orders come by mail", cwd=tmp_path, **shop)
    assert (approved.returncode, "approved 1 finding of run" in approved.stderr) == (0, True), approved.stderr
    again = execute(cwd=tmp_path, **shop, SHOP="no-insert")
    assert (again.returncode, "approved by" in again.stdout) == (0, True), again.stdout + again.stderr


def test_a_run_with_nothing_to_compare_with(gate: Gate, tmp_path: Path) -> None:
    """Only the first run of a gate is called the first; each says how to make itself the baseline, which the next one passes by."""
    variables = gate.project("begins")
    first, second = (execute(cwd=tmp_path, **variables) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "First run for this gate: 1 flow recorded" in first.stdout
    assert "Nothing to compare with yet: 1 flow without a baseline" in second.stdout
    (hint,) = [line.partition(": spangate ")[2] for line in second.stderr.splitlines() if "spangate promote" in line]
    assert spangate(*hint.split(), cwd=tmp_path, **variables).returncode == 0
    assert "PASS" in execute(cwd=tmp_path, **variables).stdout


def test_deciding_and_taking_it_back(gate: Gate, tmp_path: Path) -> None:
    """A notice is rejected and fails the run; who then approves is told who rejected it and why, and nothing is written, unless they
    say so; withdrawn, it is undecided again. `judge` looks anew, with the policy of now. What a run does not have is exit 2."""
    variables = gate.project("decided")
    gate.call("PUT", "/projects/decided/policy", json={"levels": {"call-missing": "notice"}})
    assert execute("--update", cwd=tmp_path, **variables).returncode == 0
    passed = execute("--format", "json", cwd=tmp_path, **variables, SHOP="no-insert")
    assert passed.returncode == 0, passed.stderr
    report = json.loads(passed.stdout)
    run, fingerprint = report["run"]["id"], report["findings"][0]["fingerprint"]

    def decide(*arguments: str) -> tuple[int, str]:
        done = spangate(*arguments, cwd=tmp_path, **variables)
        return done.returncode, done.stdout + done.stderr

    code, said = decide("reject", run, fingerprint, "--reason", "orders are lost")
    assert (code, f"rejected 1 finding of run {run}, which now says fail" in said) == (0, True), said
    assert execute(cwd=tmp_path, **variables, SHOP="no-insert").returncode == 1
    code, said = decide("approve", run, fingerprint)
    assert (code, "has rejected" in said, "orders are lost" in said) == (2, True, True), said
    code, said = decide("approve", run, fingerprint, "--replace", "--reason", "by mail")
    assert (code, "approved 1 finding" in said, "now says pass" in said) == (0, True, True), said
    code, said = decide("withdraw", run, fingerprint)
    assert (code, fingerprint in said, "withdrew the decision on 1 finding" in said) == (0, True, True), said
    assert "withdrew the decision on 0 findings" in decide("withdraw", run, fingerprint)[1]

    gate.call("PUT", "/projects/decided/policy", json={})
    code, said = decide("judge", run)
    assert (code, "FAIL" in said, "no longer happens" in said) == (1, True, True), said
    deeds = [entry["action"] for entry in gate.call("GET", f"/runs/{run}/history", params={"project": "decided"})["entries"]]
    assert deeds == ["judge again", "withdraw", "approve", "reject"]
    for words in (("reject", run, "sg1:0123456789abcdef"), ("withdraw", run, "sg1:0123456789abcdef"), ("judge", "no-such-run")):
        code, said = decide(*words)
        assert (code, words[-1] in said, "Traceback" in said) == (2, True, False), said
    reader = gate.project("decided", "read")
    for words in (("reject", run, fingerprint), ("withdraw", run, fingerprint), ("judge", run)):
        refused = spangate(*words, cwd=tmp_path, **reader)
        assert (refused.returncode, "needs review" in refused.stderr) == (6, True), refused.stderr


def test_confirm_runs_the_command_again(shop: dict[str, str], tmp_path: Path) -> None:
    """What the second run contradicts is exit 0 and is said; what it shows again is exit 1."""
    flaky = execute("--confirm", cwd=tmp_path, **shop, SHOP=f"flaky={tmp_path / 'once'}")
    assert flaky.returncode == 0, flaky.stdout + flaky.stderr
    assert "not seen again in run" in flaky.stderr
    assert execute("--confirm", cwd=tmp_path, **shop, SHOP="n+1").returncode == 1


@pytest.mark.parametrize(
    ("variables", "code", "message"),
    [
        ({"SHOP": "killed"}, 7, "a parent that never arrived"),
        ({"OTEL_SDK_DISABLED": "true"}, 4, "No trace of run"),
        ({"SHOP_EXIT": "9"}, 9, "the traces are good, the command ended with 9"),
    ],
)
def test_what_is_no_verdict(shop: dict[str, str], tmp_path: Path, variables: dict[str, str], code: int, message: str) -> None:
    """Lost spans are exit 7, none at all 4; the command's own failure is its own code."""
    result = execute(cwd=tmp_path, **shop, **variables)
    assert (result.returncode, message in result.stdout + result.stderr) == (code, True), result.stdout + result.stderr


def test_a_required_baseline_is_missing(gate: Gate, tmp_path: Path) -> None:
    """With `require_baseline` in the project's policy a new flow is exit 5."""
    variables = gate.project("strict")
    gate.call("PUT", "/projects/strict/policy", json={"require_baseline": True})
    assert execute(cwd=tmp_path, **variables).returncode == 5


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """Exit 3 names the address; the command was not run."""
    result = execute("--server", f"http://127.0.0.1:{free_port()}", cwd=tmp_path, SHOP=f"flaky={tmp_path / 'ran'}")
    assert (result.returncode, "Cannot reach http://127.0.0.1:" in result.stderr) == (3, True), result.stderr
    assert not (tmp_path / "ran").exists()


def test_a_token_that_is_unknown_or_too_weak(gate: Gate, shop: dict[str, str], tmp_path: Path) -> None:
    """Exit 6: no token, a wrong one, and one without the scope, which is named."""
    weak = gate.project("shop", "ingest", "read")
    for variables, message in (
        ({**shop, "SPANGATE_TOKEN": ""}, "needs a token. Set SPANGATE_TOKEN, or give --token"),
        ({**shop, "SPANGATE_TOKEN": "sg_wrong"}, "token"),
        (weak, "this needs review"),
    ):
        result = spangate("promote", "--run", "any", cwd=tmp_path, **variables)
        assert (result.returncode, message in result.stderr) == (6, True), result.stderr


def test_files_are_judged_by_the_server(shop: dict[str, str], trace_file: Callable[..., Path], tmp_path: Path) -> None:
    """`check FILE --server`: the same trace passes, one without a write fails, one without its root is inconclusive;
    the same file again is told at once, with the run that has it."""
    for path, code in ((trace_file(), 0), (trace_file("SELECT items"), 1), (trace_file(drop_root=True), 7)):
        result = spangate("check", str(path), cwd=tmp_path, **shop)
        assert result.returncode == code, result.stdout + result.stderr
    again = spangate("check", str(trace_file()), cwd=tmp_path, **shop)
    assert (again.returncode, "already, in run" in again.stderr) == (2, True), again.stderr


def test_a_trace_of_the_server_by_its_id(
    shop: dict[str, str], golden: str, trace_file: Callable[..., Path], tmp_path: Path
) -> None:
    """`show ID` draws it; `diff` takes ids and files, and tells what is gone; an unknown id is exit 2."""
    shown = spangate("show", golden.upper(), cwd=tmp_path, **shop)
    assert (shown.returncode, f"trace {golden}  4 spans" in shown.stdout) == (0, True), shown.stderr
    same = spangate("diff", golden, str(trace_file()), cwd=tmp_path, **shop)
    assert same.returncode == 0, same.stdout
    changed = spangate("diff", golden, str(trace_file("INSERT orders")), cwd=tmp_path, **shop)
    assert (changed.returncode, "INSERT orders" in changed.stdout) == (1, True), changed.stdout
    named = spangate("show", "f" * 32, cwd=tmp_path, **shop)
    assert (named.returncode, f"no trace {'f' * 32}" in named.stderr) == (2, True), named.stderr
    unknown = spangate("diff", golden, "f" * 32, cwd=tmp_path, **shop)
    assert (unknown.returncode, "f" * 32 in unknown.stderr) == (2, True), unknown.stderr


def test_promoting_traces_and_runs(gate: Gate, tmp_path: Path) -> None:
    """`promote --run` and `promote ID` make golden; what does not exist is exit 2 and nothing is written."""
    variables = gate.project("fresh")
    new = execute(cwd=tmp_path, **variables)
    assert (new.returncode, "NEW" in new.stdout) == (0, True), new.stderr
    (trace,) = gate.call("GET", "/traces", params={"project": "fresh"})["traces"]
    missing = spangate("promote", "0" * 31 + "1", cwd=tmp_path, **variables)
    assert (missing.returncode, "0" * 31 + "1" in missing.stderr) == (2, True), missing.stderr
    assert gate.call("GET", "/baselines", params={"project": "fresh"}) == []
    for arguments in (("--run", trace["run"]), (trace["trace_id"],)):
        promoted = spangate("promote", *arguments, "--reason", "as it should be", cwd=tmp_path, **variables)
        assert (promoted.returncode, "promoted 1 of 1 trace" in promoted.stderr) == (0, True), promoted.stderr
        assert promoted.stdout.startswith(trace["trace_id"])
    (baseline,) = gate.call("GET", "/baselines", params={"project": "fresh"})
    assert [sample["reason"] for sample in baseline["samples"]] == ["as it should be"]


@pytest.fixture(scope="module")
def services(gate: Gate, shop: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `environments/`: `staging` is the shop as recorded, `broken` the shop that lost the write."""
    folder = tmp_path_factory.mktemp("services")
    (folder / "environments").mkdir()
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {shop['SPANGATE_TOKEN']}"}
    with (
        shop_service(folder, gate.address, **headers) as staging,
        shop_service(folder, gate.address, **headers, SHOP="no-insert") as broken,
    ):
        for name, address in (("staging", staging), ("broken", broken), ("gone", f"http://127.0.0.1:{free_port()}")):
            (folder / "environments" / f"{name}.yaml").write_text(f"base_url: {address}\n")
        yield folder


def test_a_spec_in_an_environment(golden: str, shop: dict[str, str], services: Path) -> None:
    """A spec of a golden trace passes on the service that it was made of, fails on one that lost the write and names it; a
    service that is not there is exit 3, an environment that is not there 2."""
    made = spangate("spec", "new", golden, "--name", "order", cwd=services, **shop)
    assert made.returncode == 0, made.stderr
    for environment, code, said in (
        ("staging", 0, "PASS  order"),
        ("broken", 1, "✗ shop: INSERT INTO orders(id) VALUES (?) happens exactly once"),
        ("gone", 3, "Is the service up?"),
        ("production", 2, "Environments here: broken, gone, staging."),
    ):
        ran = spangate("spec", "run", "order.spec.yaml", "--env", environment, "--quiet", "3", cwd=services, **shop)
        assert (ran.returncode, said in ran.stdout + ran.stderr) == (code, True), ran.stdout + ran.stderr


def test_a_spec_that_the_server_keeps(golden: str, gate: Gate, shop: dict[str, str], services: Path) -> None:
    """Run by its name with a kept environment, its result is the environment's last one on the server, good or bad, with the trace that
    it made; by its id and without an environment likewise. An unknown name or environment is exit 2, a token that may only read 6."""
    kept = gate.call("POST", "/specs", params={"project": "shop"}, json={"trace": golden})
    text = kept["text"].replace(f"name: {kept['name']}", "name: kept order", 1)
    environments = {
        name: {"base_url": (services / "environments" / f"{name}.yaml").read_text().partition(" ")[2].strip()}
        for name in ("staging", "broken")
    }
    change = {"version": 1, "text": text, "environments": environments}
    gate.call("PUT", f"/specs/{kept['id']}", params={"project": "shop"}, json=change)

    def run(spec: str, *options: str, **variables: str) -> tuple[int, str]:
        ran = spangate("spec", "run", spec, "--quiet", "3", *options, cwd=services, **{**shop, **variables})
        return ran.returncode, ran.stdout + ran.stderr

    for environment, expected in (("staging", 0), ("broken", 1)):
        code, said = run("kept order", "--env", environment)
        assert (code, f"as the last result in {environment}" in said) == (expected, True), said
    code, said = run(kept["id"], "--set", f"base_url={environments['staging']['base_url']}")
    assert (code, "as the last result in ci" in said) == (0, True), said
    saved = gate.call("GET", f"/specs/{kept['id']}", params={"project": "shop"})
    results = {result["environment"]: result for result in saved["results"]}
    assert {name: all(check["ok"] for check in result["checks"]) for name, result in results.items()} == {
        "staging": True, "broken": False, "ci": True,
    }  # fmt: skip
    assert {result["version"] for result in results.values()} == {2}
    found = gate.call("GET", f"/traces/{results['broken']['trace_id']}", params={"project": "shop"})["summary"]
    assert found["spans"] > 1
    headers = {"authorization": f"Bearer {shop['SPANGATE_TOKEN']}", "accept": "text/html"}
    cookie = {"cookie": f"spangate_session={shop['SPANGATE_TOKEN']}"}
    page = httpx.get(
        f"{gate.address}/projects/shop/specs/{kept['id']}", headers=headers | cookie, trust_env=False, timeout=60
    ).text
    assert page.count("✓ holds") == 2 and page.count("✗ does not hold") == 1

    for spec, options, code, part in (
        ("nobody", (), 2, "no spec of this id or name"),
        ("kept order", ("--env", "moon"), 2, "It has staging, broken."),
    ):
        assert (run(spec, *options)[0], part in run(spec, *options)[1]) == (code, True)
    reader = gate.project("shop", "read")["SPANGATE_TOKEN"]
    code, said = run("kept order", "--env", "staging", SPANGATE_TOKEN=reader)
    assert (code, "needs ingest" in said) == (6, True), said


def test_the_generated_pytest_file(golden: str, shop: dict[str, str], services: Path) -> None:
    """The generated pytest file passes on the good service and fails on the bad one, in the one test of the lost call."""
    made = spangate("spec", "new", golden, "--out", "generated.spec.yaml", "--pytest", "generated.py", cwd=services, **shop)
    assert made.returncode == 0, made.stderr
    outcomes: list[str] = []
    for environment in ("staging", "broken"):
        done = run_pytest("generated.py", cwd=services, **shop, SPANGATE_ENVIRONMENT=environment, SPANGATE_QUIET="3")
        outcomes.append(done.stdout)
    assert "passed" in outcomes[0] and "failed" not in outcomes[0], outcomes[0]
    assert "1 failed" in outcomes[1] and "INSERT" in outcomes[1], outcomes[1]
