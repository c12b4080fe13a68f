"""Semantic conventions: every former attribute key and value → the current one.

An application that moves from old to stable conventions, or emits both (`dup`), keeps its operations. Sources: the migration
guides of the OpenTelemetry semantic conventions for HTTP, databases, RPC, messaging and network attributes.
"""

CURRENT_KEYS: dict[str, str] = {
    # HTTP
    "http.method": "http.request.method",
    "http.status_code": "http.response.status_code",
    "http.request_content_length": "http.request.body.size",
    "http.response_content_length": "http.response.body.size",
    "http.request_content_length_uncompressed": "http.request.body.size",
    "http.response_content_length_uncompressed": "http.response.body.size",
    "http.resend_count": "http.request.resend_count",
    "http.retry_count": "http.request.resend_count",
    "http.user_agent": "user_agent.original",
    "http.client_ip": "client.address",
    "http.scheme": "url.scheme",
    "http.url": "url.full",
    "http.target": "url.target",
    "http.path": "url.path",
    "http.flavor": "network.protocol.version",
    "http.host": "server.address",
    "http.server_name": "server.address",
    # network
    "net.host.name": "server.address",
    "net.host.port": "server.port",
    "net.host.ip": "network.local.address",
    "net.peer.name": "server.address",
    "net.peer.port": "server.port",
    "net.peer.ip": "network.peer.address",
    "net.sock.peer.addr": "network.peer.address",
    "net.sock.peer.port": "network.peer.port",
    "net.sock.host.addr": "network.local.address",
    "net.sock.host.port": "network.local.port",
    "net.transport": "network.transport",
    "net.protocol.name": "network.protocol.name",
    "net.protocol.version": "network.protocol.version",
    "net.app.protocol.name": "network.protocol.name",
    "net.app.protocol.version": "network.protocol.version",
    "peer.service": "service.peer.name",
    # databases
    "db.system": "db.system.name",
    "db.name": "db.namespace",
    "db.statement": "db.query.text",
    "db.operation": "db.operation.name",
    "db.sql.table": "db.collection.name",
    "db.mongodb.collection": "db.collection.name",
    "db.cassandra.table": "db.collection.name",
    "db.cosmosdb.container": "db.collection.name",
    "db.cosmosdb.status_code": "db.response.status_code",
    "db.sql.rows": "db.response.returned_rows",
    "db.row_count": "db.response.returned_rows",
    "db.rows_returned": "db.response.returned_rows",
    "db.result.rows": "db.response.returned_rows",
    "db.redis.database_index": "db.namespace",
    "db.elasticsearch.path_parts.index": "db.operation.parameter.index",
    # RPC
    "rpc.system": "rpc.system.name",
    "rpc.grpc.status_code": "rpc.response.status_code",
    "rpc.connect_rpc.error_code": "rpc.response.status_code",
    "rpc.jsonrpc.error_code": "rpc.response.status_code",
    "grpc.status_code": "rpc.response.status_code",
    "rpc.grpc.request.metadata": "rpc.request.metadata",
    # messaging
    "messaging.destination": "messaging.destination.name",
    "messaging.destination_kind": "messaging.destination.kind",
    "messaging.temp_destination": "messaging.destination.temporary",
    "messaging.operation": "messaging.operation.type",
    "messaging.message_id": "messaging.message.id",
    "messaging.conversation_id": "messaging.message.conversation_id",
    "messaging.consumer_id": "messaging.client.id",
    "messaging.client_id": "messaging.client.id",
    "messaging.kafka.consumer.group": "messaging.consumer.group.name",
    "messaging.kafka.consumer_group": "messaging.consumer.group.name",
    "messaging.rocketmq.client_group": "messaging.consumer.group.name",
    "messaging.kafka.partition": "messaging.destination.partition.id",
    "messaging.kafka.destination.partition": "messaging.destination.partition.id",
    "messaging.kafka.message.offset": "messaging.kafka.offset",
    "messaging.message_payload_size_bytes": "messaging.message.body.size",
    "messaging.message.payload_size_bytes": "messaging.message.body.size",
    "messaging.rabbitmq.routing_key": "messaging.rabbitmq.destination.routing_key",
    "messaging.eventhubs.consumer.group": "messaging.consumer.group.name",
    # others
    "faas.execution": "faas.invocation_id",
    "enduser.id": "user.id",
    "code.function": "code.function.name",
    "code.filepath": "code.file.path",
    "code.lineno": "code.line.number",
    "deployment.environment": "deployment.environment.name",
    "gen_ai.system": "gen_ai.provider.name",
}

CURRENT_VALUES: dict[str, dict[str, str]] = {
    "db.system.name": {
        "mssql": "microsoft.sql_server",
        "db2": "ibm.db2",
        "oracle": "oracle.db",
        "dynamodb": "aws.dynamodb",
        "redshift": "aws.redshift",
        "cosmosdb": "azure.cosmosdb",
        "spanner": "gcp.spanner",
        "hanadb": "sap.hana",
        "maxdb": "sap.maxdb",
        "progress": "actian.ingres",
    },
    "messaging.operation.type": {"publish": "send", "deliver": "process"},
    "messaging.system": {"AmazonSQS": "aws_sqs", "azure_servicebus": "servicebus", "azure_eventhubs": "eventhubs"},
    "rpc.response.status_code": {
        str(number): name
        for number, name in enumerate(
            "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
            "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
            "UNAUTHENTICATED".split()
        )
    },
}
"""By current key: former value → current value. gRPC's numbers are the names of its status codes."""


def current_key(key: str) -> str:
    """The current semantic-convention key of an attribute key; itself when it is current or unknown."""
    return CURRENT_KEYS.get(key, key)


def current_value(key: str, value: str) -> str:
    """The current value of a current key; itself when it has not changed."""
    values = CURRENT_VALUES.get(key)
    return values.get(value, value) if values else value
