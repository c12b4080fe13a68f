"""A stand-in for Elasticsearch that needs no install: the four document calls that the demo service makes, in memory.

It answers the real Elasticsearch client (which checks the product header); a real server takes its place by option.
"""

import os
import threading
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import make_server


def create_application() -> Flask:
    """`PUT|GET /{index}/_doc/{id}` and `POST /{index}/_update/{id}`, as Elasticsearch answers them."""
    application = Flask("search")
    documents: dict[tuple[str, str], dict[str, Any]] = {}
    lock = threading.Lock()

    @application.after_request
    def say_product(response: Response) -> Response:
        response.headers["X-Elastic-Product"] = "Elasticsearch"
        response.headers["Content-Type"] = "application/vnd.elasticsearch+json;compatible-with=9"
        return response

    @application.get("/ready")
    def ready() -> dict[str, str]:
        return {"status": "green"}

    @application.delete("/<index>")
    def delete(index: str) -> dict[str, bool]:
        with lock:
            for key in [key for key in documents if key[0] == index]:
                del documents[key]
        return {"acknowledged": True}

    @application.put("/<index>/_doc/<document_id>")
    def put(index: str, document_id: str) -> tuple[dict[str, Any], int]:
        with lock:
            documents[index, document_id] = request.get_json(force=True)
        return {"_index": index, "_id": document_id, "result": "created"}, 201

    @application.post("/<index>/_update/<document_id>")
    def change(index: str, document_id: str) -> tuple[dict[str, Any], int]:
        with lock:
            found = documents.get((index, document_id))
            if found is None:
                return {"error": {"type": "document_missing_exception"}, "status": 404}, 404
            found.update(request.get_json(force=True)["doc"])
        return {"_index": index, "_id": document_id, "result": "updated"}, 200

    @application.get("/<index>/_doc/<document_id>")
    def get(index: str, document_id: str) -> tuple[dict[str, Any], int]:
        found = documents.get((index, document_id))
        answer = {"_index": index, "_id": document_id, "found": found is not None}
        return (answer | {"_source": found}, 200) if found is not None else (answer, 404)

    return application


if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ["PORT"]), create_application(), threaded=True).serve_forever()
