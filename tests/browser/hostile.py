"""A trace that attacks whoever looks at it: every payload in every field that a span can carry, beside a golden one of its flow."""

from gate.codec.assemble import build_traces
from gate.model.policy import Policy, Rule
from gate.model.run import Run
from gate.model.trace import Event, Link, Resource, Scope, Span, SpanKind, StatusCode
from gate.model.verdict import Level
from gate.normalize import normalize
from gate.service import SpecOutcome
from gate.spec import Check, render_yaml
from gate.spec.spec import AttributeIs, Call, Happens, HttpRequest, Spec, Trigger
from gate.usecases.selection import baseline_id
from tests.browser.kit import Server

PAYLOADS = (
    "<script>window.hit=1</script>",
    "</script><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    '" autofocus onfocus=window.hit=1 x="',
    "' onmouseover='window.hit=1",
    "</title></textarea></style></pre><script>window.hit=1</script>",
    "javascript:window.hit=1",
    "{{ 7*7 }}{% raw %}${7*7}#{7*7}",
    "<a href='javascript:window.hit=1' hx-get='/x' hx-trigger='load' hx-on:load='window.hit=1'>x</a>",
    "<form action=https://evil.example><button>",
    "<style>*{display:none}</style><base href=https://evil.example/><meta http-equiv=refresh content=0>",
    "--><!--<b>",
    "]]>&lt;&#60;&amp;lt;",
    "\u202eevil\u202c\u200b\ufeff\u0007\u001b[31mred\u001b[0m",
    "a\nb\r\nSet-Cookie: x=1",
    "../../../etc/passwd%00%0d%0a",
    "W" * 3000,
    "é" * 400 + "\u0301" * 200,
)
"""What must stay text."""

START = 1_790_000_000_000_000_000
GOLDEN, ATTACK = "a" * 32, "b" * 32
CASE = PAYLOADS[0]


def spans(trace_id: str) -> list[Span]:
    """A root with one child for each payload; the attacking trace differs from the golden one in every kind of change."""
    attack = trace_id == ATTACK
    resource = Resource({"service.name": PAYLOADS[2], "k8s.pod.name": PAYLOADS[0], PAYLOADS[3]: PAYLOADS[1]}, PAYLOADS[2])
    scope = Scope(PAYLOADS[0], PAYLOADS[1], PAYLOADS[7])
    made = [
        Span(
            trace_id, "1" * 16, "", PAYLOADS[6], SpanKind.SERVER, START, START + 900_000_000,
            {"test.case.name": CASE, "http.route": PAYLOADS[2], "http.request.method": PAYLOADS[0], "http.response.status_code": 200},
            resource, scope,
        )
    ]  # fmt: skip
    for number, payload in enumerate(PAYLOADS):
        if attack and number % 5 == 4:
            continue
        made.append(
            Span(
                trace_id, f"{number + 2:016x}", "1" * 16, payload, SpanKind.CLIENT,
                START + number * 40_000_000, START + number * 40_000_000 + 30_000_000,
                {
                    payload: payload, "db.query.text": payload, "db.system.name": payload, "error.type": payload,
                    "http.request.body": payload, "url.full": payload, "list": [payload, {payload: payload}], "bytes": payload.encode(),
                    "varies": payload if attack else "golden",
                },
                Resource({"service.name": payload}, payload), scope,
                StatusCode.ERROR if number % 3 == int(attack) else StatusCode.UNSET, payload,
                (Event(payload, START, {"exception.type": payload, "exception.stacktrace": f"{payload}\n{payload}", payload: payload}),),
                (Link("c" * 32, "d" * 16, {payload: payload}),), payload,
            )
        )  # fmt: skip
    if attack:
        for number, payload in enumerate(PAYLOADS[:6]):
            made.append(
                Span(trace_id, f"{number + 100:016x}", "1" * 16, payload + " new", SpanKind.PRODUCER, START, START + 1, {}, resource, scope)
            )  # fmt: skip
    return made


def attack(served: Server) -> None:
    """Two runs: one with the golden trace, promoted with a hostile reason, and one with the attack; both judged."""
    for run_id, trace_id, branch in (("golden", GOLDEN, "main"), ("attack", ATTACK, PAYLOADS[2])):
        run = Run(
            run_id, "default", environment=PAYLOADS[4][:80], commit=PAYLOADS[0], branch=branch, base_branch=PAYLOADS[1],
            repository=PAYLOADS[3], url="https://ci.example/?q=" + PAYLOADS[0],
        )  # fmt: skip
        served.run(served.gate.create_run(run))
        served.give(spans(trace_id), run=run_id)
        served.run(served.gate.finish_run("default", run_id))
        served.run(served.gate.verdict("default", run_id, wait=20))
        if trace_id == GOLDEN:
            served.run(served.gate.promote("default", trace_id, by=PAYLOADS[0], reason=PAYLOADS[1]))
    decide(served)


SPEC = "attack"
ENVIRONMENT = PAYLOADS[4][:80]
BASELINE = baseline_id("default", ENVIRONMENT, normalize(build_traces(spans(GOLDEN))[0])[0].key)


def decide(served: Server) -> None:
    """Hostile decisions, a hostile policy, and a hostile spec with its result."""
    verdict = served.run(served.gate.verdict("default", "attack"))
    assert verdict is not None
    found = tuple(finding.fingerprint for finding in verdict.findings)
    served.run(served.gate.approve("default", "attack", found, by=PAYLOADS[3], reason=PAYLOADS[5]))
    served.run(served.gate.reject("default", "attack", found[:1], by=PAYLOADS[0], reason=PAYLOADS[9], replace=True))
    rule = Rule(name=PAYLOADS[1], operation=PAYLOADS[2], level=Level.NOTICE, reason=PAYLOADS[0])
    served.run(served.gate.set_policy("default", Policy(rules=(rule,)), by=PAYLOADS[6]))
    served.run(served.gate.verdict("default", "attack", wait=20))
    text = render_yaml(
        Spec(
            name=PAYLOADS[0],
            entry=Call(PAYLOADS[2], PAYLOADS[6]),
            notes=PAYLOADS[:9],
            trigger=Trigger(HttpRequest(PAYLOADS[0], PAYLOADS[7], {PAYLOADS[1]: PAYLOADS[2]}, PAYLOADS[8])),
            parameters={PAYLOADS[1]: PAYLOADS[2], PAYLOADS[17][:300]: PAYLOADS[17]},
            validations=(*(Happens(call=Call(each, each), times=1) for each in PAYLOADS), AttributeIs(call=Call(), key=PAYLOADS[3], equals=PAYLOADS[4])),
        )
    )  # fmt: skip
    stores = served.gate._stores  # type: ignore[attr-defined]
    served.run(stores.specs.add("default", SPEC, PAYLOADS[0], text, by=PAYLOADS[1], now_ns=START))
    environments = {each: {PAYLOADS[1]: each} for each in PAYLOADS[:6]}
    served.run(
        stores.specs.change(
            "default", SPEC, version=1, name=PAYLOADS[0], text=text, environments=environments, by=PAYLOADS[1], now_ns=START
        )
    )
    outcome = SpecOutcome(PAYLOADS[0], ATTACK, tuple(Check(each, False, each) for each in PAYLOADS), 2, by=PAYLOADS[2])
    served.run(stores.specs.save_result("default", SPEC, outcome, now_ns=START))
