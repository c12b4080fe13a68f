"""Every command that takes traces reads every format. The commands run in this process: a start for each pair would take minutes."""

from pathlib import Path

import pytest

from gate.cli import main
from tests.acceptance.trace_formats import TRACE_ID, order, written

GOOD, BAD = written(order()), written(order(insert=False))


class Command:
    """Runs commands in a folder and keeps what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        self.out, self.err = self._capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """An empty folder with `good.FORMAT` and `bad.FORMAT`; no server is named."""
    monkeypatch.chdir(tmp_path)
    for name in ("SPANGATE_SERVER", "SPANGATE_TOKEN", "SPANGATE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for word, files in (("good", GOOD), ("bad", BAD)):
        for name, content in files.items():
            Path(f"{word}.{name}").write_bytes(content)
    return Command(capsys)


@pytest.mark.parametrize("form", GOOD)
def test_a_format_in_every_command(run: Command, form: str) -> None:
    """Promoted from a format, the same trace passes and the one without its write fails; so do diff, show and the spec's commands."""
    good, bad = f"good.{form}", f"bad.{form}"
    assert run("promote", good) == 0, run.err
    assert run("check", good) == 0, run.out + run.err
    assert run("check", bad) == 1, run.out + run.err
    assert "INSERT" in run.out
    assert run("diff", good, good) == 0, run.out
    assert run("diff", good, bad) == 1, run.out
    assert "golden" not in run.out, run.out
    assert run("show", good) == 0, run.err
    assert f"trace {TRACE_ID}  3 spans" in run.out
    assert run("spec", "new", good, "--out", "order.spec.yaml") == 0, run.err
    assert run("spec", "check", "order.spec.yaml", good) == 0, run.out
    assert run("spec", "check", "order.spec.yaml", bad) == 1, run.out
    assert "INSERT" in run.out


@pytest.mark.parametrize("form", GOOD)
def test_formats_agree(run: Command, form: str) -> None:
    """The same trace in two formats is the same trace: golden in OTLP, checked in another."""
    assert run("diff", "good.otlp.json", f"good.{form}") == 0, run.out
    assert run("diff", f"good.{form}", "bad.otlp.pb") == 1, run.out


BROKEN = {
    "empty.json": (b"", "empty.json: the file is empty."),
    "text.txt": (b"this is no trace", "text.txt: "),
    "cut.json": (GOOD["otlp.json"][:-20], "cut.json: "),
    "cut.jsonl": (GOOD["otlp.json"] + b"\n" + GOOD["otlp.json"][:-20], "cut.jsonl:2: "),
    "cut.json.gz": (GOOD["otlp.json.gz"][:-9], "cut.json.gz: "),
    "metrics.json": (b'{"resourceMetrics": []}', "this has resourceMetrics, not traces"),
    "list.json": (b"[1, 2]", "list.json: "),
    "ids.json": (GOOD["otlp.json"].replace(TRACE_ID.encode(), b"xyz"), "invalid"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize(
    "command",
    [("check",), ("diff", "good.otlp.json"), ("promote",), ("show",), ("spec", "new", "--out", "-"), ("spec", "check", "a.yaml")],
    ids=" ".join,
)
def test_what_is_no_trace_file(run: Command, name: str, command: tuple[str, ...]) -> None:
    """A file that is none is exit 2 and one line with its name and the reason; nothing is written."""
    content, message = BROKEN[name]
    Path(name).write_bytes(content)
    Path("a.yaml").write_text("version: 1\nname: a\nentry: {operation: POST /orders}\n")
    assert run(*command, name) == 2, run.out + run.err
    assert message in run.err
    assert run.err.startswith(f"spangate: {name}")
    assert "Traceback" not in run.err
    assert not Path(".spangate").exists()


def test_no_span_at_all(run: Command) -> None:
    """A file of traces without a single span is exit 4."""
    Path("none.json").write_bytes(b'{"resourceSpans": []}')
    assert run("check", "none.json") == 4
    assert "There is no span in none.json." in run.err


def test_a_spec_in_every_form(run: Command) -> None:
    """YAML, pytest, curl and Tracetest are written together, or none of them when one is there already."""
    files = {"--out": "a.spec.yaml", "--pytest": "a_spec.py", "--curl": "a.sh", "--tracetest": "a.tracetest.yaml"}
    arguments = ("spec", "new", "good.otlp.json", *(part for pair in files.items() for part in pair))
    Path("a.sh").touch()
    assert run(*arguments) == 2
    assert "a.sh is there already" in run.err
    assert {name for name in files.values() if Path(name).exists()} == {"a.sh"}
    assert run(*arguments, "--force") == 0, run.err
    assert "happens" in Path("a.spec.yaml").read_text()
    assert "def test_" in Path("a_spec.py").read_text()
    assert "curl" in Path("a.sh").read_text() and "traceparent" in Path("a.sh").read_text()
    assert "INSERT" in Path("a.tracetest.yaml").read_text()
