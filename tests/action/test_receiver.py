"""The step before the tests: the receiver takes what real SDKs export, and the environment leads them there."""

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.action.actions_runner import GITHUB_TOKEN, Job
from tests.action.events import MERGE

Jobs = Callable[..., Job]
Traced = Callable[..., None]


def spans(spool: Path) -> int:
    """All spans in the spooled bodies."""
    count = 0
    for path in sorted(spool.iterdir()):
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        request = ExportTraceServiceRequest.FromString(body)
        count += sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
    return count


def receivers(job: Job) -> list[psutil.Process]:
    """The running receivers of this job, by the mark that the runner cleans up by."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[-1].endswith("receiver.js"):
            with suppress(psutil.NoSuchProcess):  # one of another test, that has just ended
                if process.environ().get("RUNNER_TRACKING_ID") == job.environment["RUNNER_TRACKING_ID"]:
                    found.append(process)
    return found


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("compression", ["", "gzip"])
def test_a_real_sdk_exports_to_it(job: Jobs, traced: Traced, protocol: str, compression: str) -> None:
    """Every span of a real SDK is in the spool, over HTTP and gRPC, compressed or not, with nothing configured by hand."""
    wanted = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"} if protocol == "grpc" else {}
    wanted |= {"OTEL_EXPORTER_OTLP_COMPRESSION": compression} if compression else {}
    it = job(**wanted)
    step = it.main()
    assert step.code == 0, step.log
    traced(it, protocol, 700)
    assert spans(Path(step.outputs["spool"])) == 1400


def test_it_is_gone_after_the_job(job: Jobs) -> None:
    """No process, no port and no spooled trace is left behind, also when the job was cancelled."""
    it = job()
    step = it.main()
    mine = receivers(it)
    assert len(mine) == 1
    it.status = "cancelled"
    after = it.post()
    assert after.code == 0
    psutil.wait_procs(mine, timeout=60)
    assert not mine[0].is_running()
    assert not Path(step.outputs["spool"]).exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(step.outputs["endpoint-http"])


def test_the_receiver_never_sees_a_token(job: Jobs) -> None:
    """The detached process has neither inputs nor tokens in its environment."""
    it = job()
    it.main(token="sg_secret", server="http://127.0.0.1:9")
    mine = receivers(it)
    assert len(mine) == 1
    assert not any(secret in value for value in mine[0].environ().values() for secret in ("sg_secret", GITHUB_TOKEN))


def test_tokens_are_masked(job: Jobs) -> None:
    """Both tokens are masked, and appear nowhere else in the log."""
    it = job()
    step = it.main(token="sg_secret", server="http://127.0.0.1:9")
    assert {"sg_secret", GITHUB_TOKEN} <= set(step.masked)
    assert step.log.count("sg_secret") == step.log.count(GITHUB_TOKEN) == 1


def test_the_environment_points_to_it(job: Jobs) -> None:
    """SDKs are told endpoint, protocol, exporter and a short delay; the resource names run and tested commit."""
    it = job()
    step = it.main()
    environment = it.environment
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == step.outputs["endpoint-http"]
    assert environment["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
    assert environment["OTEL_TRACES_EXPORTER"] == "otlp"
    assert environment["OTEL_BSP_SCHEDULE_DELAY"] == "200"
    attributes = f"spangate.run={step.outputs['run-id']},vcs.ref.head.revision={MERGE}"
    assert environment["OTEL_RESOURCE_ATTRIBUTES"] == attributes


def test_what_the_user_set_stays(job: Jobs) -> None:
    """An endpoint, an exporter or attributes of the user are kept; a warning says that traces go elsewhere."""
    it = job(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318",
        OTEL_TRACES_EXPORTER="console",
        OTEL_RESOURCE_ATTRIBUTES="team=checkout,vcs.ref.head.revision=mine",
        OTEL_BSP_SCHEDULE_DELAY="50",
    )
    step = it.main()
    assert it.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    assert it.environment["OTEL_TRACES_EXPORTER"] == "console"
    assert it.environment["OTEL_BSP_SCHEDULE_DELAY"] == "50"
    kept = "team=checkout,vcs.ref.head.revision=mine"
    assert it.environment["OTEL_RESOURCE_ATTRIBUTES"] == f"{kept},spangate.run={step.outputs['run-id']}"
    assert "http://collector:4318" in step.texts("warning")
    assert "OTEL_TRACES_EXPORTER is console" in step.texts("warning")


def test_a_second_use_in_one_job_takes_over(job: Jobs) -> None:
    """A later use of the action has a receiver and a run of its own, and no warning about the first one."""
    it = job()
    first = it.main()
    second = it.main(gate="e2e")
    assert first.outputs["endpoint-http"] != second.outputs["endpoint-http"]
    assert it.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == second.outputs["endpoint-http"]
    assert it.environment["OTEL_RESOURCE_ATTRIBUTES"].count("spangate.run=") == 1
    assert second.outputs["run-id"] in it.environment["OTEL_RESOURCE_ATTRIBUTES"]
    assert not second.texts("warning")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/v1/logs", {"content-type": "application/json"}, 200),
        ("POST", "/v1/metrics", {"content-type": "application/x-protobuf"}, 200),
        ("POST", "/v1/traces", {"content-type": "text/plain"}, 415),
        ("POST", "/v1/traces", {"content-type": "application/json", "content-encoding": "br"}, 415),
        ("GET", "/v1/traces", {}, 405),
        ("GET", "/", {}, 404),
        ("POST", "/stop", {"x-spangate-key": "guess"}, 404),
    ],
)
def test_it_answers_as_otlp_says(job: Jobs, method: str, path: str, headers: dict[str, str], status: int) -> None:
    """Metrics and logs are taken and dropped; what is not OTLP gets the right status; nobody else can stop it."""
    it = job()
    step = it.main()
    url = step.outputs["endpoint-http"]
    assert httpx.request(method, url + path, headers=headers, content=b"{}", timeout=60).status_code == status
    ok = httpx.post(f"{url}/v1/traces", content=b"{}", headers={"content-type": "application/json; charset=utf-8"}, timeout=60)
    assert (ok.status_code, ok.text) == (200, "{}")
    assert [path.name for path in Path(step.outputs["spool"]).iterdir()] == ["000001.json"]


def test_too_large_a_body_is_refused(job: Jobs) -> None:
    """A body over the server's limit is answered with 413 at once, and the verdict is not made without it."""
    it = job()
    step = it.main()
    body = b"x" * (20 * 1024 * 1024 + 1)
    headers = {"content-type": "application/x-protobuf"}
    try:
        status = httpx.post(f"{step.outputs['endpoint-http']}/v1/traces", content=body, headers=headers, timeout=60).status_code
    except httpx.WriteError:
        status = 413
    assert status == 413
    after = it.post()
    assert after.code == 1
    assert "refused 1 requests" in after.texts("error")
    assert after.outputs["verdict"] == "error"


def test_an_address_that_is_not_ours(job: Jobs) -> None:
    """A bind address of another machine is one clear error, and the post step has nothing to do."""
    it = job()
    step = it.main(bind="192.0.2.1")
    assert step.code == 1
    assert "192.0.2.1" in step.texts("error")
    assert "bind" in step.texts("error")
    assert it.post().code == 0
