"""Reviewing by clicks, in a real Chromium: a failing run, flows and baselines, specs, settings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gate.model.run import Run
from tests.browser.kit import Reader, Server, axe, layout_shift, server
from tests.contract.made import trace_id
from tests.unit.service.story import BAD, persist_trace

ADMIN = "admin-secret"


def record(served: Server, run: Run, *traces: list, finish: bool = True) -> None:  # type: ignore[type-arg]
    """A run, judged unless it stays open."""
    served.run(served.gate.create_run(run))
    for spans in traces:
        served.give(spans, run=run.id)
    if finish:
        served.run(served.gate.finish_run("default", run.id))
        served.run(served.gate.verdict("default", run.id, wait=60))


def story(served: Server) -> None:
    """Golden runs on main, and a pull request that loses two writes and a test case."""
    for number in (1, 2):
        record(served, Run(f"main-{number}", "default", branch="main", commit=f"a{number}" * 20), persist_trace(number))
    record(served, Run("main-3", "default", branch="main"), persist_trace(11, case="an old test"))
    pull = Run(
        "pr-7", "default", branch="feature", commit="c" * 40, base_branch="main", pull_request=7, repository="acme/shop",
        url="https://github.com/acme/shop/actions/runs/9",
    )  # fmt: skip
    record(served, pull, persist_trace(3, good=BAD))


@pytest.fixture
def reviewed(tmp_path: Path) -> Iterator[Server]:
    """A local server with the story."""
    with server(tmp_path) as served:
        story(served)
        yield served


@pytest.fixture
def ann(browser: Browser, reviewed: Server) -> Iterator[Reader]:
    """Who reviews."""
    reader = Reader(browser, reviewed.url)
    yield reader
    reader.close()


def banner(page: Page) -> str:
    """The verdict as the page says it."""
    return page.locator(".banner .verdict").inner_text().lower()


def test_reviewing_a_failing_run(ann: Reader, reviewed: Server) -> None:
    """From the list to the run; a warning is rejected, the regression approved by key with a reason: it still fails, until the
    rejection is taken back. Everything is in the history, and another person's click in between is told."""
    page = ann.open("/projects/default/runs")
    page.get_by_role("link", name="pr-7").click()
    page.wait_for_url("**/runs/pr-7")
    assert (banner(page), page.title()) == ("fail", "Run pr-7 · Spangate")
    assert page.get_by_role("link", name="#7").get_attribute("href") == "https://github.com/acme/shop/pull/7"
    assert page.get_by_role("link", name="ccccccc").get_attribute("href") == f"https://github.com/acme/shop/commit/{'c' * 40}"
    cards = page.locator("[data-finding]")
    assert cards.count() == 2
    assert "returned 0 rows" in cards.nth(0).inner_text()
    assert "no longer happens" in cards.nth(0).inner_text()
    assert "Compared with 2 golden traces" in page.locator(".flow-line").first.inner_text()

    rejected = cards.nth(1).get_attribute("id")
    cards.nth(1).locator("summary", has_text="Reject").click()
    expect(cards.nth(1).locator(".reject [name=reason]")).to_be_focused()
    page.keyboard.type("the test must stay <b>")
    cards.nth(1).get_by_role("button", name="Reject").click()
    expect(page.locator(".flash")).to_contain_text("Rejected: 1 finding. The run now says fail.")
    assert "Rejected by local" in page.locator(f"#{rejected}").inner_text()
    assert "the test must stay <b>" in page.locator(f"#{rejected}").inner_text()

    page.keyboard.press("n")
    page.keyboard.press("a")
    page.keyboard.type("meant so")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".flash")).to_contain_text("Approved: 1 finding. The run now says fail.")
    assert axe(page) == []

    other = ann.open("/projects/default/runs/pr-7")
    page.locator(f"#{rejected}").get_by_role("button", name="Take back").click()
    expect(page.locator(".flash")).to_contain_text("Undecided again: 1 finding. The run now says pass.")
    assert banner(page) == "pass"
    assert page.locator(".history li").count() == 3
    assert "took back the decision" in page.locator(".history li").first.inner_text()
    # Somebody else's page is from before; they decide what is no longer so.
    other.locator(f"#{rejected}").get_by_role("button", name="Take back").click()
    expect(other.locator(".flash.failed")).to_contain_text("somebody was faster")

    page.locator("summary", has_text="The comment on the pull request").click()
    comment = page.locator(".part .comment")
    assert comment.locator("table").first.is_visible() and "How the baselines were chosen" in comment.inner_text()
    text = page.locator(".part .command pre").inner_text()
    assert text.startswith("<!-- spangate") and "approved" in text


def test_from_the_comment_to_the_decision(browser: Browser, tmp_path: Path) -> None:
    """A link in the pull request comment leads a stranger through sign-in to its finding, which has the focus: one key decides. The
    self-contained report is one click away, and its link leads back."""
    with server(tmp_path, admin_token=ADMIN) as served:
        story(served)
        with served.api(ADMIN) as api:
            comment = api.get("/runs/pr-7/report", params={"format": "md"}).text
        links = re.findall(rf"\]\(({re.escape(served.url)}/projects/default/runs/pr-7#[^)]+)\)", comment)
        second = list(dict.fromkeys(links))[1]
        bob = Reader(browser, served.url)
        page = bob.open(second)
        page.locator("[name=token]").fill("wrong")
        page.keyboard.press("Enter")
        page.locator(".field-error").wait_for()
        bob.expect("401")
        page.locator("[name=token]").fill(ADMIN)
        page.keyboard.press("Enter")
        page.wait_for_url(second)
        assert page.evaluate("'#' + document.activeElement.id") == second[second.index("#") :]
        page.keyboard.press("r")
        page.keyboard.type("a lost test")
        page.keyboard.press("Enter")
        expect(page.locator(".flash")).to_contain_text("Rejected: 1 finding.")
        page.get_by_role("link", name="Report", exact=True).click()
        page.wait_for_url("**/runs/pr-7/report")
        assert "Golden" in page.locator("main").inner_text()
        page.get_by_role("link", name="on the server").click()
        page.wait_for_url("**/runs/pr-7")
        bob.close()


def test_two_people_decide_otherwise(ann: Reader, reviewed: Server) -> None:
    """Who clicks second on another answer is told who was first and why; nothing of theirs is written."""
    mine = ann.open("/projects/default/runs/pr-7", script=False)
    finding = mine.locator("[data-finding]").first
    verdict = reviewed.run(reviewed.gate.verdict("default", "pr-7"))
    assert verdict is not None
    first = verdict.findings[0].fingerprint
    reviewed.run(reviewed.gate.reject("default", "pr-7", (first,), by="bob", reason="data is lost"))
    finding.locator("summary", has_text="Approve").click()
    finding.get_by_role("button", name="Approve").click()
    said = mine.locator(".flash.failed").inner_text()
    assert "bob has rejected" in said and "data is lost" in said
    assert reviewed.run(reviewed.gate.verdict("default", "pr-7")).findings[0].approval is None  # type: ignore[union-attr]
    mine.locator("[data-finding].rejected summary", has_text="Approve instead").click()
    mine.locator("[data-finding].rejected").get_by_role("button", name="Approve").click()
    assert banner(mine) == "pass"


def test_an_open_run_updates_itself(ann: Reader, reviewed: Server) -> None:
    """Traces appear and then the verdict, without a reload and without moving what is above."""
    record(reviewed, Run("live", "default"), finish=False)
    page = ann.open("/projects/default/runs/live")
    assert banner(page) == "running"
    assert "Nothing has arrived yet" in page.locator("#run").inner_text()
    assert axe(page) == []
    reviewed.give(persist_trace(5), run="live")
    expect(page.locator("#run")).to_contain_text("1 trace, 4 spans so far")
    reviewed.run(reviewed.gate.finish_run("default", "live"))
    expect(page.locator(".banner .verdict")).to_have_text("pass")
    assert layout_shift(page) < 0.02
    page.get_by_role("button", name="Judge again").click()
    expect(page.locator(".flash")).to_contain_text("Judged again: pass.")
    assert "had it judged again" in page.locator(".history").inner_text()


def test_from_promotion_to_a_test_in_hand(ann: Reader, reviewed: Server) -> None:
    """A flow without baseline is promoted, its page says what is learned, a test is generated, edited, checked, downloaded; what is
    wrong in it is said in place; the last golden trace is demoted again."""
    record(reviewed, Run("new-env", "default", environment="staging"), persist_trace(21))
    page = ann.open("/projects/default/flows")
    groups = page.locator("main section h2").all_inner_texts()
    assert [re.sub(r"\s*\d+$", "", group) for group in groups] == [
        "Seen without golden traces", "Golden, but no run exercises them", "Compared in every run",
    ][:: 1 if len(groups) == 3 else 2]  # fmt: skip
    page.locator("summary", has_text="Promote").click()
    page.locator(".ask [name=reason]").fill("staging is good")
    page.get_by_role("button", name="Promote").click()
    expect(page.locator(".flash")).to_contain_text("Promoted: golden for persist a trace")
    page.locator(".flow-line", has_text="staging").get_by_role("link", name="persist a trace").click()
    assert "record 2 more" in page.locator(".banner").inner_text()
    assert "UPDATE traces" in page.locator(".learned").inner_text()
    assert "staging is good" in page.locator(".history").inner_text()

    page.get_by_role("button", name="Make a test of it").click()
    assert page.locator("h1").inner_text() == "persist a trace"
    assert "UPDATE traces SET persistent = TRUE WHERE id = ? happens exactly once" in page.locator(".validations").inner_text()
    text = page.locator("#text").input_value()
    page.locator("#text").fill(text.replace("name: persist a trace", "nmae: persist a trace"))
    page.get_by_role("button", name="Save").click()
    assert "unknown field 'nmae'. Did you mean 'name'?" in page.locator(".mistake").inner_text()
    ann.expect("400")
    assert "nmae: persist" in page.locator(".excerpt .here").inner_text()
    assert page.locator("#text").input_value().count("nmae") == 1
    assert axe(page) == []
    page.locator("#text").fill(text.replace("name: persist a trace", "name: both updates happen", 1))
    page.locator("#environments").fill("staging: {}\n")
    page.get_by_role("button", name="Save").click()
    assert page.locator("h1").inner_text() == "both updates happen"

    page.locator("summary", has_text="Check a stored trace").click()
    page.locator("[name=trace]").fill(trace_id(3))
    page.locator(".ask").get_by_role("button", name="Check").click()
    expect(page.locator(".flash.failed")).to_contain_text("3 of 7 validations do not hold in ci.")
    assert "it never happened" in page.locator(".checks").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="pytest for staging").click()
    assert download.value.suggested_filename == "both_updates_happen_spec.py"
    assert "def test_" in Path(download.value.path()).read_text()
    page.get_by_role("link", name="Specs", exact=True).first.click()
    assert "✗ ci" in page.locator(".flow-line").inner_text()

    page.goto("/projects/default/flows")
    page.locator(".flow-line", has_text="staging").get_by_role("link", name="persist a trace").click()
    page.locator("summary", has_text="Demote").click()
    page.locator(".sheet").get_by_role("button", name="Demote").click()
    expect(page.locator(".flash")).to_contain_text("no baseline now")


def test_settings_by_hand(ann: Reader, reviewed: Server) -> None:
    """Retention is saved; a policy is refused with the place, previewed on the last runs, saved; a token is shown once and ends
    local mode; the log says all of it."""
    page = ann.open("/projects/default/settings")
    page.locator("#retention_days").fill("7")
    page.locator("form", has=page.locator("#retention_days")).get_by_role("button", name="Save").click()
    expect(page.locator(".flash")).to_have_text("Saved.")
    assert page.locator("#retention_days").input_value() == "7"

    page.locator("#policy").fill("levels:\n  rows-chnged: notice\n")
    page.get_by_role("button", name="Preview").click()
    assert "there is no change kind 'rows-chnged'" in page.locator(".mistake").inner_text()
    ann.expect("400")
    page.locator("#policy").fill("levels:\n  rows-changed: notice\n  call-missing: notice\n")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#preview")
    assert "In the 4 newest judged runs" in preview.inner_text()
    assert re.search(r"run pr-7 FAIL → PASS", " ".join(preview.inner_text().split()))
    assert "failure → notice" in preview.inner_text()
    assert axe(page) == []
    assert reviewed.run(reviewed.gate.policy("default")).levels == {}
    page.locator("form", has=page.locator("#policy")).get_by_role("button", name="Save").click()
    assert "rows-changed: notice" in page.locator("#policy").input_value()

    page.locator("#name").fill("ci <b>")
    page.get_by_label("admin").check()
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator(".command code").inner_text()
    assert secret.startswith("sg_")
    assert "From now on everybody signs in" in page.locator("main").inner_text()
    assert axe(page) == []
    page.get_by_role("link", name="I have copied it").click()
    page.locator("[name=token]").fill(secret)
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings")
    assert secret not in page.content()
    log = page.locator(".history").inner_text()
    assert "made the token" in log and "changed the policy" in log and "retention_days 7" in log
    assert "ci <b>" in page.locator("#tokens ~ .flow-list").inner_text()


def test_a_reader_sees_no_buttons(browser: Browser, tmp_path: Path) -> None:
    """With the scope `read` every page is there and none has a form but signing out and searching; empty states are pages too."""
    with server(tmp_path, admin_token=ADMIN) as served:
        _, secret = served.run(served.gate.create_token("default", "reader", ("read",)))
        reader = Reader(browser, served.url)
        page = reader.open("/sign-in")
        page.locator("[name=token]").fill(secret)
        page.keyboard.press("Enter")
        page.wait_for_url("**/projects/default")
        for path, said in (
            ("runs", "No run yet"),
            ("flows", "No flow is known yet"),
            ("specs", "No spec yet"),
            ("settings", "Settings"),
        ):
            page.goto(f"/projects/default/{path}")
            assert said in page.locator("main").inner_text()
            assert page.locator("main form[method=post]").count() == 0
            assert axe(page) == []
        story(served)
        (baseline, *_) = served.run(served.gate.baselines("default"))
        made = served.run(served.gate.generate_spec("default", baseline_id=baseline.id, by="eve"))
        for path in ("runs/pr-7", "flows", f"flows/{baseline.id}", f"specs/{made.id}", "settings"):
            page.goto(f"/projects/default/{path}")
            assert page.locator("main form[method=post], main textarea").count() == 0, path
        assert "Who changed what" not in page.locator("main").inner_text()
        page.goto("/projects/default/runs/nobody")
        reader.expect("404")
        assert page.locator("h1").inner_text() == "Not found"
        reader.close()
