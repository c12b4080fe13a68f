"""Reports made by hand, one for each thing that a report can say: what renderers are tested and looked at with."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from gate.model.change import (
    AttributeChanged,
    CallAdded,
    CallMissing,
    Change,
    CountChanged,
    ErrorAppeared,
    FlowMissing,
    RowsChanged,
)
from gate.model.flow import Flow, FlowKey, Operation
from gate.model.run import Report, Run, RunState
from gate.model.trace import SpanKind
from gate.model.verdict import (
    Approval,
    Comparison,
    Conclusion,
    Consequence,
    Finding,
    FlowVerdict,
    Level,
    Place,
    Verdict,
)

COMMIT = "9f3c2a1b7d4e4f60a1b2c3d4e5f60718293a4b5c"
RUN = Run(
    id="r_01j8zqk4",
    project="acme",
    gate="default",
    environment="ci",
    commit=COMMIT,
    branch="persist-endpoint",
    base_commit="4be01d7000000000000000000000000000000000",
    base_branch="main",
    pull_request=482,
    repository="acme/shop",
    url="https://github.com/acme/shop/actions/runs/1",
    state=RunState.FINISHED,
    created_at="2026-11-24T10:09:00Z",
    finished_at="2026-11-24T10:09:41Z",
)


@dataclass
class Node:
    """A call of an example: what it calls is `calls`."""

    service: str
    name: str
    calls: list["Node"] = field(default_factory=list)
    kind: SpanKind = SpanKind.CLIENT
    error: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


def make_flow(key: FlowKey, trace: str, entry: Node) -> Flow:
    """The example as a flow; span ids count from 1 behind the trace's first letters, each call takes a millisecond."""
    operations: list[Operation] = []
    stack: list[tuple[Node, int]] = [(entry, -1)]
    while stack:
        node, parent = stack.pop()
        number = len(operations)
        operations.append(
            Operation(
                service=node.service,
                name=node.name,
                kind=SpanKind.SERVER if parent < 0 else node.kind,
                error=node.error,
                attributes=node.attributes,
                parent=parent,
                span_id=f"{trace[:2]}{number + 1:014x}",
                start_ns=number * 1_000_000,
                end_ns=(number + 1) * 1_000_000 + (40_000_000 if parent < 0 else 250_000),
            )
        )
        stack.extend((call, number) for call in reversed(node.calls))
    return Flow(key, trace.ljust(32, "0"), tuple(operations))


def align(sample: Flow, flow: Flow) -> tuple[tuple[int, int], ...]:
    """Pairs by equal path and occurrence, enough for examples: left-only lines stand where they were."""

    def paths(side: Flow) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        seen: dict[tuple[str, ...], int] = {}
        for operation in side.operations:
            above = found[operation.parent] if operation.parent >= 0 else ()
            path = (*above, f"{operation.service} {operation.name}")
            seen[path] = seen.get(path, 0) + 1
            found.append((*above, f"{path[-1]}#{seen[path]}"))
        return found

    left, right = paths(sample), paths(flow)
    at = {path: index for index, path in enumerate(right)}
    here = {path: index for index, path in enumerate(left)}
    pairs: list[tuple[int, int]] = []
    done: set[int] = set()
    for index, path in enumerate(left):
        other = at.get(path, -1)
        if other >= 0:
            while (
                len(done) < other
                and (missed := next((i for i in range(other) if i not in done and right[i] not in here), -1)) >= 0
            ):
                pairs.append((-1, missed))
                done.add(missed)
            done.add(other)
        pairs.append((index, other))
    pairs.extend((-1, index) for index in range(len(right)) if index not in done)
    return tuple(pairs)


def place(sample: Flow | None, flow: Flow | None, *names: str) -> Place:
    """The place of the calls with the last name below the path of names, on both sides."""

    def spans(side: Flow | None) -> tuple[str, ...]:
        return tuple(o.span_id for o in side.operations if o.name == names[-1]) if side is not None else ()

    def step(name: str) -> str:
        for side in (flow, sample):
            for operation in side.operations if side is not None else ():
                if operation.name == name:
                    return f"{operation.service}: {name}"
        return name

    return Place(tuple(step(name) for name in names), spans(sample), spans(flow))


def finding(
    number: int,
    change: Change,
    where: Place,
    sentence: str,
    key: FlowKey,
    *,
    level: Level = Level.FAILURE,
    consequences: tuple[Consequence, ...] = (),
    approval: Approval | None = None,
    rule: str = "",
) -> Finding:
    """A finding with a fingerprint made of its number."""
    return Finding(f"sg1:{number:016x}", change, level, where, sentence, (key,), consequences, rule, approval)


def report(
    conclusion: Conclusion,
    comparisons: tuple[Comparison, ...],
    *,
    reasons: tuple[str, ...] = (),
    run: Run = RUN,
    server_url: str = "",
) -> Report:
    """A report whose verdict repeats what the comparisons found."""
    findings = tuple(each for comparison in comparisons for each in comparison.findings)
    order = [Level.FAILURE, Level.WARNING, Level.NOTICE, Level.IGNORED]
    findings = tuple(sorted(findings, key=lambda each: (each.approval is not None, order.index(each.level))))
    return Report(
        run,
        Verdict(conclusion, findings, tuple(_judged(each) for each in comparisons), reasons),
        comparisons,
        server_url,
        "0.1.0",
    )


def _judged(comparison: Comparison) -> FlowVerdict:
    failures = [each for each in comparison.findings if each.level == Level.FAILURE and each.approval is None]
    conclusion, reason = Conclusion.PASS, "matches its baseline"
    if comparison.incomplete:
        conclusion, reason = Conclusion.INCONCLUSIVE, comparison.incomplete
    elif comparison.sample is None:
        conclusion, reason = Conclusion.NEW, "no golden trace yet"
    elif failures:
        conclusion, reason = Conclusion.FAIL, failures[0].sentence
    return FlowVerdict(
        comparison.key,
        conclusion,
        reason,
        tuple(each.fingerprint for each in comparison.findings),
        comparison.flow.trace_id if comparison.flow is not None else "",
        comparison.sample.trace_id if comparison.sample is not None else "",
        comparison.samples,
        "pinned" if comparison.sample is not None else "",
        comparison.notes,
    )


def matching(key: FlowKey, entry: Node, number: int, samples: int = 5, notes: tuple[str, ...] = ()) -> Comparison:
    """A flow that is like its golden trace."""
    sample, flow = make_flow(key, f"{number:02x}a", entry), make_flow(key, f"{number:02x}b", entry)
    return Comparison(key, flow, sample, align(sample, flow), samples, notes=notes)


PERSIST = FlowKey("persist keeps a trace", "api", "POST /traces/{id}/persist")
LIST = FlowKey("list traces", "api", "GET /traces")
READ = FlowKey("read one trace", "api", "GET /traces/{id}")
DELETE = FlowKey("delete a trace", "api", "DELETE /traces/{id}")
SELECT = Node(
    "api",
    "SELECT traces",
    attributes={
        "db.system.name": "postgresql",
        "db.query.text": "SELECT id, persistent FROM traces WHERE organisation = ? AND id = ?",
        "db.response.returned_rows": "1",
    },
)


def _persist(found: bool) -> Node:
    select = Node("api", "SELECT traces", attributes=SELECT.attributes | {"db.response.returned_rows": "1" if found else "0"})
    update = Node(
        "api",
        "UPDATE traces",
        attributes={"db.system.name": "postgresql", "db.query.text": "UPDATE traces SET persistent = ? WHERE id = ?"},
    )
    search = Node(
        "api",
        "POST /traces/_update/{id}",
        [Node("search", "POST /traces/_update/{id}", [Node("search", "index write", kind=SpanKind.INTERNAL)], SpanKind.SERVER)],
        attributes={"http.request.method": "POST", "http.response.status_code": "200"},
    )
    calls = [Node("api", "authenticate", [Node("api", "SELECT tokens"), Node("api", "SELECT organisations")], SpanKind.INTERNAL)]
    calls.append(Node("api", "fetch trace", [select], SpanKind.INTERNAL))
    calls.append(Node("api", "validate", [], SpanKind.INTERNAL))
    if found:
        calls += [update, search]
    return Node(
        "api", PERSIST.operation, calls, attributes={"http.response.status_code": "200", "http.route": "/traces/{id}/persist"}
    )


def story(*, server_url: str = "", run: Run = RUN) -> Report:
    """The reason the product exists: a fetch comes back empty, and two updates silently never happen."""
    sample, flow = make_flow(PERSIST, "a1", _persist(True)), make_flow(PERSIST, "b2", _persist(False))
    below = place(sample, flow, PERSIST.operation, "UPDATE traces")
    search = place(sample, flow, PERSIST.operation, "POST /traces/_update/{id}")
    change = RowsChanged("api", "SELECT traces", "1", "0", SELECT.attributes["db.query.text"])
    found = finding(
        0x7C1E,
        change,
        place(sample, flow, PERSIST.operation, "fetch trace", "SELECT traces"),
        "api: SELECT traces returned 0 rows, the golden traces return 1",
        PERSIST,
        consequences=(
            Consequence(
                CallMissing("api", "UPDATE traces", "1"), below, "the call to postgresql: UPDATE traces no longer happens"
            ),
            Consequence(
                CallMissing("api", "POST /traces/_update/{id}", "1"),
                search,
                "the call to search: POST /traces/_update/{id} no longer happens",
            ),
        ),
    )
    comparison = Comparison(PERSIST, flow, sample, align(sample, flow), 5, (found,))
    others = (
        matching(LIST, Node("api", LIST.operation, [SELECT, Node("api", "serialise", kind=SpanKind.INTERNAL)]), 2),
        matching(READ, Node("api", READ.operation, [SELECT]), 3),
        matching(
            DELETE, Node("api", DELETE.operation, [SELECT, Node("api", "DELETE traces")]), 4, samples=1, notes=("1 sample",)
        ),
    )
    return report(Conclusion.FAIL, (comparison, *others), server_url=server_url, run=run)


CHECKOUT = FlowKey("", "web", "GET /checkout")
REFUND = FlowKey("refund an order", "web", "POST /refund")


def _checkout(prices: int, cached: bool) -> Node:
    price = Node(
        "pricing",
        "SELECT prices",
        attributes={"db.query.text": "SELECT … WHERE sku IN (?)" if prices == 1 else "SELECT … WHERE sku = ?"},
    )
    quote = Node("pricing", "POST /quote", [], SpanKind.SERVER)
    quote.calls = ([Node("pricing", "redis GET price:{sku}")] if cached else []) + [price] * prices
    cart = Node(
        "cart",
        "GET /cart/{id}",
        [Node("cart", "SELECT carts"), Node("cart", "SELECT items"), Node("cart", "render", kind=SpanKind.INTERNAL)],
    )
    return Node("web", CHECKOUT.operation, [cart, quote, Node("web", "render page", kind=SpanKind.INTERNAL)])


def n_plus_one(*, server_url: str = "https://spangate.example.com") -> Report:
    """Two regressions in one flow, a new call in another, something approved, something ignored; seen from a server."""
    sample, flow = make_flow(CHECKOUT, "c1", _checkout(1, True)), make_flow(CHECKOUT, "c2", _checkout(12, False))
    statement = CountChanged("pricing", "SELECT prices", "1", 12, "SELECT … WHERE sku = ?", n_plus_one=True)
    cache = CallMissing("pricing", "redis GET price:{sku}", "1")
    checkout = Comparison(
        CHECKOUT,
        flow,
        sample,
        align(sample, flow),
        3,
        (
            finding(
                1,
                statement,
                place(sample, flow, CHECKOUT.operation, "POST /quote", "SELECT prices"),
                "pricing: SELECT prices happens 12 times, the golden traces have 1 (N+1)",
                CHECKOUT,
            ),
            finding(
                2,
                cache,
                place(sample, flow, CHECKOUT.operation, "POST /quote", "redis GET price:{sku}"),
                "the call to redis GET price:{sku} no longer happens",
                CHECKOUT,
            ),
        ),
        notes=("baseline not stable: record 2 more",),
    )
    old = make_flow(REFUND, "d1", Node("web", REFUND.operation, [Node("payments", "POST /refunds", [], SpanKind.SERVER)]))
    entry = Node("payments", "ledger POST /entries")
    new = make_flow(
        REFUND, "d2", Node("web", REFUND.operation, [Node("payments", "POST /refunds", [entry], SpanKind.SERVER)], error=True)
    )
    added = finding(
        3,
        CallAdded("payments", "ledger POST /entries", 1),
        place(old, new, REFUND.operation, "POST /refunds", "ledger POST /entries"),
        "a new call: payments ledger POST /entries",
        REFUND,
        level=Level.WARNING,
    )
    approved = finding(
        4,
        ErrorAppeared("web", REFUND.operation, "timeout"),
        place(old, new, REFUND.operation),
        "web: POST /refund fails with timeout, the golden traces never do",
        REFUND,
        approval=Approval("sg1:" + f"{4:016x}", "ada", "known, fixed in #12", "2026-11-23T09:00:00Z"),
    )
    ignored = finding(
        5,
        AttributeChanged("web", REFUND.operation, "http.route", "/refund", "/refund/"),
        place(old, new, REFUND.operation),
        "web: POST /refund has another route",
        REFUND,
        level=Level.IGNORED,
        rule="trailing slashes",
    )
    refund = Comparison(REFUND, new, old, align(old, new), 5, (added, approved, ignored))
    return report(
        Conclusion.FAIL, (checkout, refund, matching(LIST, Node("api", LIST.operation, [SELECT]), 9)), server_url=server_url
    )


def passing() -> Report:
    """Nothing to say."""
    return report(Conclusion.PASS, story().comparisons[1:])


def approved() -> Report:
    """What failed is approved: the gate passes and says who said so."""
    base = story()
    yes = Approval("sg1:0000000000007c1e", "ada", "planned in issue 12", "2026-11-24T11:00:00Z")
    first = base.comparisons[0]
    found = first.findings[0]
    agreed = Finding(**{name: getattr(found, name) for name in found.__struct_fields__} | {"approval": yes})
    comparison = Comparison(first.key, first.flow, first.sample, first.pairs, first.samples, (agreed,))
    return report(Conclusion.PASS, (comparison, *base.comparisons[1:]))


def new() -> Report:
    """The first run of a gate."""
    flows = tuple(Comparison(each.key, each.flow, None) for each in story().comparisons)
    return msgspec.structs.replace(report(Conclusion.NEW, flows), first=True)


def inconclusive() -> Report:
    """A flow with spans that never arrived cannot be judged, another did not run."""
    base = story()
    first = base.comparisons[0]
    cut = Comparison(first.key, first.flow, first.sample, first.pairs, 5, (), "2 spans name a parent that never arrived")
    gone = base.comparisons[1]
    missed = finding(
        6,
        FlowMissing(str(gone.key)),
        Place((f"api: {gone.key.operation}",)),
        f"{gone.key} did not run",
        gone.key,
        level=Level.WARNING,
    )
    assert gone.sample is not None
    absent = Comparison(gone.key, None, gone.sample, tuple((i, -1) for i in range(len(gone.sample.operations))), 5, (missed,))
    reasons = (
        "2 spans name a parent that never arrived",
        "the run is of another environment than its baselines: staging, not ci",
    )
    return report(Conclusion.INCONCLUSIVE, (cut, absent, *base.comparisons[2:]), reasons=reasons)


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "![x](http://evil.example/x.png) [click](http://evil.example)",
    "@octocat @acme/security #123 acme/shop#5 GH-7 www.evil.example http://evil.example mail@evil.example",
    "``` `` ` | a | b |\n\n# heading\n- item\n> quote",
    "a\\|b\\\\|c`|`d",
    "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x9b2J\rover",
    "\u202egnp.exe\u2066\u200b\u2028\u2029\ufeff\x00\x01\x7f\x85",
    '"]; click n0 "javascript:alert(1)"; end; %% comment\nn1-->n2 #quot; #35;',
    "--> <!-- </details></summary></code></pre></style></script>]]>",
    "{{ 7*7 }} {% raw %} ${7*7} %(x)s {0}",
    "::error file=x::boom%0A::stop-commands::x",
    "𝕊𝕡𝕒𝕟 e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301 \ud800 \ufffe 漢字",
    "`",
    "```",
    "~~~~~~",
    "",
    "x" * 5000,
)


def hostile(payloads: tuple[str, ...] = PAYLOADS) -> Report:
    """Every field that a sender of traces, or an author of a branch, can fill holds something nasty."""
    comparisons: list[Comparison] = []
    for number, text in enumerate(payloads):
        key = FlowKey(text, text, text)
        attributes = {text: text, "db.query.text": text, "http.route": text}
        old = make_flow(
            key,
            f"{number:02x}e",
            Node(text, text, [Node(text, text, attributes=attributes), Node("a", "b")], attributes=attributes),
        )
        now = make_flow(
            key,
            f"{number:02x}f",
            Node(text, text, [Node("a", "b"), Node(text, "new " + text, error=True)], attributes={text: "x"}),
        )
        where = Place((f"{text}: {text}",), (old.operations[0].span_id,), (now.operations[0].span_id,))
        gone = Place((f"{text}: {text}",) * 2, (old.operations[1].span_id,))
        change = AttributeChanged(text, text, text, text, text + "x")
        consequence = Consequence(CallMissing(text, text, text, text), gone, text)
        approval = Approval(text, text, text, text) if number % 3 == 0 else None
        found = finding(0x1000 + number, change, where, text, key, consequences=(consequence,), approval=approval, rule=text)
        comparisons.append(Comparison(key, now, old, align(old, now), 2, (found,), text if number % 5 == 1 else "", (text,)))
    every = " ".join(payloads)
    run = Run(
        id=every,
        project=every,
        environment=every,
        gate=every,
        commit=every,
        branch=every,
        base_commit=every,
        base_branch=every,
        pull_request=1,
        repository=every,
        url="javascript:alert(1)//" + every,
        created_at=every,
        finished_at=every,
    )
    return report(Conclusion.FAIL, tuple(comparisons), reasons=payloads, run=run, server_url='javascript:alert("x")')


def large(spans: int = 10_000, changes: int = 12) -> Report:
    """One flow of many spans with a few changes spread over it."""
    key = FlowKey("nightly import", "importer", "import everything")
    groups = spans // 20

    def entry(changed: Callable[[int], bool]) -> Node:
        steps: list[Node] = []
        for group in range(groups):
            calls = [
                Node(
                    "importer",
                    f"step {group} call {number}",
                    attributes={"db.query.text": f"INSERT INTO table_{number} VALUES (?, ?)"},
                )
                for number in range(19)
            ]
            if changed(group):
                del calls[7]
            steps.append(Node("importer", f"batch {group}", calls, SpanKind.INTERNAL))
        return Node("importer", key.operation, steps)

    every = max(1, groups // changes)
    sample = make_flow(key, "e1", entry(lambda group: False))
    flow = make_flow(key, "f1", entry(lambda group: group % every == 3))
    found = tuple(
        finding(
            0x100 + group,
            CallMissing("importer", f"step {group} call 7", "1"),
            place(sample, flow, key.operation, f"batch {group}", f"step {group} call 7"),
            f"the call to importer: step {group} call 7 no longer happens",
            key,
        )
        for group in range(groups)
        if group % every == 3
    )
    return report(Conclusion.FAIL, (Comparison(key, flow, sample, align_large(sample, flow), 5, found),))


def align_large(sample: Flow, flow: Flow) -> tuple[tuple[int, int], ...]:
    """Pairs by name, where every name is there once."""
    at = {operation.name: index for index, operation in enumerate(flow.operations)}
    return tuple((index, at.get(operation.name, -1)) for index, operation in enumerate(sample.operations))


def wide(flows: int = 400, findings: int = 300) -> Report:
    """Very many findings with long names: what forces a comment through its sizes."""
    comparisons: list[Comparison] = []
    for number in range(flows):
        key = FlowKey(
            f"case {number} of a suite with rather long test case names",
            f"service-{number % 17}",
            f"GET /things/{number}/{'part/' * 12}",
        )
        calls = [Node(f"service-{number % 17}", f"call {i} of {number}: {'long name ' * 9}") for i in range(30)]
        old = make_flow(key, f"{number:03x}a", Node(key.service, key.operation, calls))
        now = make_flow(key, f"{number:03x}b", Node(key.service, key.operation, calls[5:]))
        found: tuple[Finding, ...] = ()
        if number < findings:
            found = tuple(
                finding(
                    number * 8 + i,
                    CallMissing(key.service, calls[i].name, "1"),
                    place(old, now, key.operation, calls[i].name),
                    f"the call to {calls[i].name} no longer happens",
                    key,
                    level=Level.FAILURE if i < 3 else Level.WARNING,
                )
                for i in range(5)
            )
        else:
            now = old
        comparisons.append(Comparison(key, now, old, align(old, now), 5, found))
    return report(Conclusion.FAIL, tuple(comparisons))


def spread() -> Report:
    """One cause in two flows: it began in the first, the second shows what follows and the same call missing again."""
    other = FlowKey("search finds what is persisted", "api", "POST /traces/{id}/persist")
    update = Node("api", "UPDATE", attributes={"db.query.text": "UPDATE traces SET persistent = ? WHERE id = ?"})
    comparisons: list[Comparison] = []
    found: Finding | None = None
    for key, letter in ((PERSIST, "5"), (other, "6")):
        old = make_flow(
            key, f"a{letter}", Node("api", key.operation, [SELECT, update], attributes={"http.response.status_code": "200"})
        )
        now = make_flow(key, f"b{letter}", Node("api", key.operation, [SELECT], error=letter == "6"))
        if found is None:
            found = finding(
                0x77,
                CallMissing("api", "UPDATE", "1", update.attributes["db.query.text"]),
                place(old, now, key.operation, "UPDATE"),
                "api: UPDATE (UPDATE traces SET persistent = ? WHERE id = ?) no longer happens",
                key,
            )
        else:
            follows = Consequence(
                ErrorAppeared("api", key.operation, "AssertionError"),
                place(old, now, key.operation),
                "api: POST /traces/{id}/persist fails with AssertionError; it never does in the golden traces",
            )
            found = Finding(
                found.fingerprint, found.change, found.level, found.place, found.sentence, (PERSIST, other), (follows,)
            )
            comparisons = [Comparison(each.key, each.flow, each.sample, each.pairs, 5, (found,)) for each in comparisons]
        comparisons.append(Comparison(key, now, old, align(old, now), 5, (found,)))
    whole = report(Conclusion.FAIL, tuple(comparisons))
    assert found is not None
    return Report(whole.run, Verdict(Conclusion.FAIL, (found,), whole.verdict.flows), whole.comparisons, "", "0.1.0")


KEY_OF_MANY = FlowKey("", "web", "GET /many")


def many_calls() -> Comparison:
    """More changed calls than a diagram of calls holds, between three services."""

    def entry(times: int) -> Node:
        calls = [Node("stock", f"reserve {number}", kind=SpanKind.SERVER) for number in range(times)]
        return Node("web", KEY_OF_MANY.operation, [Node("shop", "POST /order", calls, SpanKind.SERVER)])

    return _all_found(entry(1), entry(60))


def many_services() -> Comparison:
    """More changed edges between services than any diagram holds."""

    def entry(times: int) -> Node:
        return Node(
            "web", KEY_OF_MANY.operation, [Node(f"service {number}", "call") for number in range(70) for _ in range(times)]
        )

    return _all_found(entry(1), entry(2))


def _all_found(old: Node, now: Node) -> Comparison:
    sample, flow = make_flow(KEY_OF_MANY, "a5", old), make_flow(KEY_OF_MANY, "b5", now)
    pairs = align(sample, flow)
    added = [flow.operations[after] for before, after in pairs if before < 0]
    found = tuple(
        finding(number, CallAdded(each.service, each.name, 1), Place((each.name,), (), (each.span_id,)), each.name, KEY_OF_MANY)
        for number, each in enumerate(added)
    )
    return Comparison(KEY_OF_MANY, flow, sample, pairs, 5, found)


def heartbeats() -> Report:
    """Thirty background loops beside one flow, as every service with a queue has them."""
    beat = FlowKey("", "worker", "PING")
    loops = tuple(matching(beat, Node("worker", beat.operation), number) for number in range(30))
    return report(Conclusion.PASS, (matching(READ, Node("api", READ.operation, [SELECT]), 90), *loops))


ALL: dict[str, Callable[[], Report]] = {
    "story": story,
    "n_plus_one": n_plus_one,
    "passing": passing,
    "approved": approved,
    "new": new,
    "inconclusive": inconclusive,
    "spread": spread,
    "heartbeats": heartbeats,
    "hostile": hostile,
    "large": large,
    "wide": wide,
}
