"""GitHub's API on loopback. Every request is checked against GitHub's published OpenAPI description; what does not conform
is answered with 400 and fails the test through `violations`."""

import json
import re
import threading
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import graphql
import jsonschema_rs

DESCRIPTION = Path("@octokit/openapi/generated/api.github.com.json")
ACTIONS_BOT = {"login": "github-actions[bot]", "type": "Bot"}
USED_PATHS = re.compile(r"^/repos/\{owner\}/\{repo\}/(issues|pulls|statuses|commits)\b")


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class GitHubDouble:
    """A repository `acme/shop` with one pull request. Refusals are set by tests: `(method, path part) -> (status, message)`."""

    node_modules: Path
    head: str
    number: int = 482
    login: str = "github-actions[bot]"
    comments: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    refusals: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    state: str = "open"

    def __enter__(self) -> "GitHubDouble":
        self.paths, self.components = description(self.node_modules)
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                raw = self.rfile.read(length)
                status, content, headers = double.handle(self.command, self.path, dict(self.headers), raw)
                text = json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "content-type": "application/json", "content-length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def environment(self) -> dict[str, str]:
        return {"GITHUB_API_URL": self.url, "GITHUB_GRAPHQL_URL": f"{self.url}/graphql"}

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(r.method, r.path) for r in self.requests if r.method != "GET" and r.path != "/graphql"]

    def handle(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> tuple[int, Any, dict[str, str]]:
        parts = urlsplit(target)
        lower = {name.lower(): value for name, value in headers.items()}
        body = json.loads(raw) if raw else None
        request = Request(method, parts.path, {k: v[-1] for k, v in parse_qs(parts.query).items()}, body, lower)
        self.requests.append(request)
        problems = self._headers(request) + (graphql_problems(body) if request.path == "/graphql" else self._problems(request))
        if problems:
            self.violations += [f"{method} {target}: {problem}" for problem in problems]
            return 400, {"message": "; ".join(problems)}, {}
        for (refused, part), (status, message) in self.refusals.items():
            if refused == method and part in request.path:
                return status, {"message": message}, {}
        return self._answer(request)

    def _headers(self, request: Request) -> list[str]:
        """What GitHub's REST documentation demands of every request."""
        problems = []
        if not request.headers.get("user-agent"):
            problems.append("no user-agent")
        if not request.headers.get("authorization", "").startswith("Bearer "):
            problems.append("no bearer token")
        if request.path != "/graphql" and request.headers.get("accept") != "application/vnd.github+json":
            problems.append("not the recommended accept header")
        return problems

    def _problems(self, request: Request) -> list[str]:
        for template, operations in self.paths.items():
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), request.path)
            operation = operations.get(request.method.lower()) if match else None
            if match and operation:
                values = {("path", k): unquote(v) for k, v in match.groupdict().items()}
                values |= {("query", k): v for k, v in request.query.items()}
                return self._parameters(operations, operation, values) + self._body(operation, request.body)
        return ["no such operation"]

    def _parameters(self, path: Any, operation: Any, values: dict[tuple[str, str], str]) -> list[str]:
        known = {}
        for parameter in [*path.get("parameters", []), *operation.get("parameters", [])]:
            spec = self.components["parameters"][parameter["$ref"].rsplit("/", 1)[1]] if "$ref" in parameter else parameter
            known[spec["in"], spec["name"]] = spec
        problems = [f"unknown parameter {name}" for name in values.keys() - known.keys()]
        for key, spec in known.items():
            if key in values:
                value: Any = values[key]
                if spec["schema"].get("type") == "integer" and value.isdigit():
                    value = int(value)
                problems += self._violations(spec["schema"], value)
            elif spec.get("required"):
                problems.append(f"parameter {key} is missing")
        return problems

    def _body(self, operation: Any, body: Any) -> list[str]:
        spec = operation.get("requestBody")
        if spec is None:
            return [] if body is None else ["a body where none belongs"]
        if body is None:
            return ["the body is missing"] if spec.get("required") else []
        schema = spec["content"]["application/json"]["schema"]
        unknown = set(body) - set(schema.get("properties", body))
        return [f"unknown field {name}" for name in unknown] + self._violations(schema, body)

    def _violations(self, schema: Any, value: Any) -> list[str]:
        whole = json_schema(schema) | {"components": {}}
        return [error.message for error in jsonschema_rs.Draft7Validator(whole).iter_errors(value)]

    def _answer(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        match request.method, request.path.split("/")[4:] if request.path != "/graphql" else ["graphql"]:
            case "POST", ["graphql"]:
                return 200, {"data": {"viewer": {"login": self.login}}}, {}
            case "GET", ["pulls", number] if number == str(self.number):
                return 200, self._pull(), {}
            case "GET", ["pulls"]:
                return 200, [self._pull()] if request.query.get("state") == self.state else [], {}
            case "GET", ["issues", number, "comments"] if number == str(self.number):
                return self._page(request)
            case "POST", ["issues", number, "comments"] if number == str(self.number):
                user = {"login": self.login, "type": "Bot" if self.login.endswith("[bot]") else "User"}
                comment = {"id": 1000 + len(self.comments), "body": request.body["body"], "user": user}
                self.comments.append(comment)
                return 201, comment, {}
            case "PATCH", ["issues", "comments", number]:
                for comment in self.comments:
                    if str(comment["id"]) == number:
                        comment["body"] = request.body["body"]
                        return 200, comment, {}
            case "POST", ["statuses", sha]:
                self.statuses.append({"sha": sha, **request.body})
                return 201, {"id": len(self.statuses), **request.body}, {}
        return 404, {"message": "Not Found"}, {}

    def _pull(self) -> dict[str, Any]:
        return {"number": self.number, "state": self.state, "head": {"sha": self.head}}

    def _page(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        rest = self.comments[(page - 1) * size :]
        url = f"{self.url}{request.path}?per_page={size}"
        more = f'<{url}&page={page + 1}>; rel="next", <{url}&page=99>; rel="last"'
        return 200, rest[:size], {"link": more} if len(rest) > size else {}


@cache
def description(node_modules: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operations on a repository's issues, pull requests and statuses, and the shared components."""
    whole = json.loads((node_modules / DESCRIPTION).read_text())
    return {path: value for path, value in whole["paths"].items() if USED_PATHS.match(path)}, whole["components"]


def json_schema(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema says a type of null."""
    if isinstance(schema, list):
        return [json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: json_schema(value) for key, value in schema.items() if key not in ("nullable", "example", "examples")}
    if schema.get("nullable") and "type" in plain:
        plain["type"] = [plain["type"], "null"]
    return plain


@cache
def graphql_schema() -> graphql.GraphQLSchema:
    """The part of GitHub's public GraphQL schema that is asked for (docs.github.com/graphql, `Query.viewer`, `User.login`)."""
    return graphql.build_schema("type Query { viewer: User! } type User { login: String! }")


def graphql_problems(body: Any) -> list[str]:
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return ["a GraphQL request needs a query"]
    try:
        return [error.message for error in graphql.validate(graphql_schema(), graphql.parse(body["query"]))]
    except graphql.GraphQLSyntaxError as error:
        return [error.message]
