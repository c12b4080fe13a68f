"""`spangate exec` on a real instrumented child, with golden files."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.cli import RUN_SHOP, environ, execute, spangate


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with three golden runs."""
    folder = tmp_path_factory.mktemp("repository")
    result = execute("--repeat", "3", "--update", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def repository(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    for file in (recorded / ".spangate" / "golden").iterdir():
        target = tmp_path / ".spangate" / "golden" / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return tmp_path


def test_recording_writes_files_to_review(recorded: Path) -> None:
    """Three runs are three lines of OTLP/JSON in one file a flow, beside a tree for the reviewer; the last run is not committed."""
    (golden,) = (recorded / ".spangate" / "golden").glob("*.jsonl")
    lines = [json.loads(line) for line in golden.read_text().splitlines()]
    attributes = [line["resourceSpans"][0]["resource"]["attributes"] for line in lines]
    runs = {each["value"]["stringValue"] for resource in attributes for each in resource if each["key"] == "spangate.run"}
    assert len(lines) == len(runs) == 3
    assert golden.with_suffix(".txt").read_text().splitlines()[1:] == [
        "3 golden traces",
        "",
        "shop: test_order",
        "  shop: POST /orders/{id} → 201",
        "    shop: SELECT items (SELECT * FROM items WHERE id = ?) 1 rows",
        "    shop: INSERT orders (INSERT INTO orders(id) VALUES (?))",
    ]
    assert (recorded / ".spangate" / ".gitignore").read_text() == "last/\n"


def test_the_same_again_passes(repository: Path) -> None:
    """An unchanged program passes."""
    result = execute(cwd=repository)
    assert (result.returncode, "PASS" in result.stdout) == (0, True), result.stderr


def test_a_regression_fails_and_says_what(repository: Path) -> None:
    """A lost write is exit 1, named in the terminal; every report is written."""
    result = execute("--out", "reports", cwd=repository, SHOP="no-insert")
    assert result.returncode == 1
    assert "INSERT orders (INSERT INTO orders(id) VALUES (?)) no longer happens" in result.stdout
    assert "spangate approve last" in result.stderr
    assert {path.name for path in (repository / "reports").iterdir()} == {
        "report.html",
        "comment.md",
        "summary.md",
        "junit.xml",
        "report.json",
    }
    assert json.loads((repository / "reports" / "report.json").read_text())["conclusion"] == "fail"


def test_approved_findings_pass(repository: Path) -> None:
    """After `approve last` the same change passes, and is shown as approved; an unknown fingerprint is refused; withdrawn, it fails."""
    assert execute(cwd=repository, SHOP="n+1").returncode == 1
    unknown = spangate("approve", "last", "sg1:0000000000000000", cwd=repository)
    assert (unknown.returncode, "no undecided finding" in unknown.stderr) == (2, True)
    approved = spangate("approve", "last", "--reason", "batching comes later", "--by", "ada", cwd=repository)
    assert approved.returncode == 0, approved.stderr
    (approval,) = json.loads((repository / ".spangate" / "approvals.json").read_text())
    assert (approval["by"], approval["reason"]) == ("ada", "batching comes later")
    again = execute(cwd=repository, SHOP="n+1")
    assert again.returncode == 0
    assert "approved by ada" in again.stdout
    withdrawn = spangate("withdraw", "last", approval["fingerprint"], cwd=repository)
    assert (withdrawn.returncode, withdrawn.stdout.strip()) == (0, approval["fingerprint"]), withdrawn.stderr
    assert json.loads((repository / ".spangate" / "approvals.json").read_text()) == []
    assert execute(cwd=repository, SHOP="n+1").returncode == 1
    assert "nothing was approved" in spangate("withdraw", "last", approval["fingerprint"], cwd=repository).stderr


def test_promoting_the_last_run_makes_it_golden(repository: Path) -> None:
    """`promote --replace` of the last run's traces is the other way to accept: from then on the old behaviour fails."""
    assert execute(cwd=repository, SHOP="no-insert").returncode == 1
    promoted = spangate("promote", "--replace", ".spangate/last/traces.jsonl", cwd=repository)
    assert promoted.returncode == 0, promoted.stderr
    assert execute(cwd=repository, SHOP="no-insert").returncode == 0
    assert execute(cwd=repository).returncode == 1


def test_golden_files_may_be_compressed(repository: Path) -> None:
    """`--compress` writes them with zstd and they judge the same; later recordings keep the form, `--no-compress` goes back; a flow has
    one file, in either form beside the tree for the reviewer."""
    golden = repository / ".spangate" / "golden"

    def names() -> set[str]:
        return {file.name.partition(".")[2] for file in golden.iterdir()}

    (plain,) = golden.glob("*.jsonl")
    size = plain.stat().st_size
    assert execute("--repeat", "3", "--update", "--compress", cwd=repository).returncode == 0
    assert names() == {"jsonl.zst", "txt"}
    (packed,) = golden.glob("*.zst")
    assert packed.stat().st_size < size / 3
    assert execute(cwd=repository).returncode == 0
    assert execute(cwd=repository, SHOP="no-insert").returncode == 1
    assert spangate("promote", ".spangate/last/traces.jsonl", cwd=repository).stdout.strip() == f".spangate/golden/{packed.name}"
    assert names() == {"jsonl.zst", "txt"}
    for shop in ("no-insert", ""):
        assert execute(cwd=repository, SHOP=shop).returncode == 0
    assert spangate("spec", "new", str(packed), "--out", "-", cwd=repository).returncode == 0
    assert execute("--update", "--no-compress", cwd=repository).returncode == 0
    assert names() == {"jsonl", "txt"}
    refused = execute("--compress", cwd=repository)
    assert (refused.returncode, "Use it with --update" in refused.stderr) == (2, True), refused.stderr


def test_a_compressed_file_that_is_cut_is_explained(repository: Path) -> None:
    """A golden file that ends too early is exit 2, by name, and never a smaller baseline."""
    assert execute("--update", "--compress", cwd=repository).returncode == 0
    (packed,) = (repository / ".spangate" / "golden").glob("*.zst")
    packed.write_bytes(packed.read_bytes()[:-20])
    result = execute(cwd=repository)
    assert (result.returncode, packed.name in result.stderr, "truncated" in result.stderr) == (2, True, True), result.stderr


def test_after_a_regression_the_page_is_one_command_away(repository: Path) -> None:
    """Who has not written the reports is told how to see both traces side by side, without another run."""
    failed = execute(cwd=repository, SHOP="no-insert")
    (hint,) = [line.partition("a page: spangate ")[2] for line in failed.stderr.splitlines() if "side by side" in line]
    page = spangate(*hint.removesuffix(" > report.html").split(), cwd=repository)
    assert (page.returncode, "Began here" in page.stdout) == (1, True), page.stderr


def test_a_first_run_is_new(tmp_path: Path) -> None:
    """Without golden traces the run is new, exit 0, and the person is told how to record."""
    result = execute(cwd=tmp_path)
    assert (result.returncode, "NEW" in result.stdout) == (0, True)
    assert "spangate exec --repeat 3 --update -- " in result.stderr


def test_a_required_baseline_is_missing(tmp_path: Path) -> None:
    """With `require_baseline` a flow without golden traces is exit 5."""
    (tmp_path / ".spangate").mkdir()
    (tmp_path / ".spangate" / "policy.yaml").write_text("require_baseline: true\n")
    assert execute(cwd=tmp_path).returncode == 5


def test_a_killed_process_is_inconclusive(repository: Path) -> None:
    """Spans whose parents never arrived are lost telemetry: exit 7, neither pass nor fail, and never recorded as golden."""
    result = execute(cwd=repository, SHOP="killed")
    assert (result.returncode, "INCONCLUSIVE" in result.stdout) == (7, True), result.stdout
    update = execute("--update", cwd=repository, SHOP="killed")
    assert (update.returncode, "nothing was recorded" in update.stderr) == (4, True)


def test_no_traces(tmp_path: Path) -> None:
    """An empty run is exit 4 with what to check, and the reason where the environment tells it."""
    result = execute(cwd=tmp_path, OTEL_SDK_DISABLED="true")
    assert result.returncode == 4
    assert "OTEL_SDK_DISABLED is true" in result.stderr
    assert "Is the OpenTelemetry SDK installed" in result.stderr


@pytest.mark.parametrize(("fault", "expected"), [("", 9), ("no-insert", 1)])
def test_the_exit_code_of_the_command(repository: Path, fault: str, expected: int) -> None:
    """The command's own code wins when the verdict is pass; a failing verdict wins over it."""
    assert execute(cwd=repository, SHOP=fault, SHOP_EXIT="9").returncode == expected


def test_a_failing_command_is_not_recorded(tmp_path: Path) -> None:
    """What a failing test did is not what it should do."""
    result = execute("--update", cwd=tmp_path, SHOP_EXIT="3")
    assert (result.returncode, "nothing was recorded" in result.stderr) == (3, True)
    assert not (tmp_path / ".spangate" / "golden").exists()


def test_confirm_drops_what_is_not_seen_again(repository: Path) -> None:
    """A change that a second run does not show passes, and is said; one that it shows fails."""
    flaky = execute("--confirm", cwd=repository, SHOP=f"flaky={repository / 'once'}")
    assert flaky.returncode == 0, flaky.stdout
    assert "not seen again when the command was repeated: shop: SELECT items" in flaky.stdout
    assert execute("--confirm", cwd=repository, SHOP="n+1").returncode == 1


def test_an_interrupt_reaches_the_command(repository: Path) -> None:
    """Ctrl-C ends the command and nothing is judged: exit 130, no stack trace."""
    command = [sys.executable, "-m", "gate.cli", "exec", *RUN_SHOP]
    with subprocess.Popen(
        command, cwd=repository, env=environ(SHOP="wait"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "interrupted: nothing was judged" in errors
    assert "Traceback" not in output + errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("exec", "--", "no-such-program"), "Cannot start 'no-such-program': No such file or directory."),
        (("exec", "--repeat", "2", "--", "true"), "--repeat records golden runs."),
        (("exec", "--update", "--confirm", "--", "true"), "--update records, --confirm judges."),
        (("exec", "--server", "nonsense", "--", "true"), "'nonsense' is no server address."),
        (("exec",), "Missing argument 'COMMAND...'"),
        (("promote",), "Nothing is named."),
        (("approve", "last"), "There is no last run in .spangate."),
        (("approve", "last", "abc"), "'abc' is no fingerprint."),
        (("reject", "last", "sg1:0123456789abcdef"), "policy.yaml says what fails"),
        (("reject", "42", "sg1:0123456789abcdef"), "No server is named."),
        (("withdraw", "42", "sg1:0123456789abcdef"), "Run '42' can only be on a server."),
        (("judge", "last"), "spangate check .spangate/last/traces.jsonl"),
        (("judge", "42"), "No server is named."),
        (("check", "missing.json"), "There is no file missing.json."),
        (("show", "0af7651916cd43dd8448eb211c80319c"), "A trace id needs --server."),
    ],
)
def test_wrong_usage_is_explained(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """A wrong command is exit 2 and one message, never a stack trace."""
    result = spangate(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("policy.yaml", "levels:\n  order: notice\n  call-added: loud\n", "policy.yaml:3: levels.call-added: 'loud' is no value"),
        ("policy.yaml", "rules:\n  - sevice: shop\n", "unknown field 'sevice'. Did you mean 'service'?"),
        ("approvals.json", "{", "approvals.json: "),
        ("golden/broken.jsonl", '\n{"resourceSpans": [', "broken.jsonl:2: "),
    ],
)
def test_a_damaged_repository_is_explained(repository: Path, file: str, content: str, message: str) -> None:
    """A wrong file of the repository is exit 2 and names the file, the line and the reason."""
    (repository / ".spangate" / file).write_text(content)
    result = spangate("check", str(next((repository / ".spangate" / "golden").glob("test*.jsonl"))), cwd=repository)
    assert (result.returncode, message in result.stderr) == (2, True), result.stderr
