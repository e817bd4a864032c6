"""The engine's door: says who somebody is, lets queries pass and nothing else, and stops what runs away.

Spark Connect knows one token for all and believes any user name. The door has a token a person, writes that person's name into
every request, refuses what would run a person's code in the engine, and counts seconds and bytes.
"""

import asyncio
import os
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status
from pyspark.sql.connect.proto import base_pb2 as base

from hub_config.access import tell
from hub_config.engine_room import NO_SETTING, SETTABLE, Orders
from hub_config.engine_token import user_of
from hub_config.engine_words import told

SERVICE = "spark.connect.SparkConnectService"
LARGEST_MESSAGE = 128 * 1024 * 1024
QUERIES_AT_ONCE = 3
# Somebody whose query has no task running for so long is waiting for slots that others hold …
WAITING_SECONDS = 4
# … and then a query may run so long only for each person who had one under way beside it, up to the bound of all: of four who ask
# at once each has a quarter of the machine.
SECONDS_A_PERSON_WHILE_OTHERS_WAIT = 5
# What a client says of itself, as far as it is the name and version of a program.
NO_CLIENT, LONGEST_CLIENT = re.compile(r"[^\w ./:+-]", re.ASCII), 120
# The answer to a statement that is a query: it can be asked for its rows now.
ONLY_UNDERSTOOD = ("sql", "with_relations")
# Spark's word where somebody else reads the answers now, or asked for one that is gone: the query itself goes on.
LOST_PLACE = "INVALID_CURSOR"

UNKNOWN = "The engine does not know you: log out of the hub, log in again and restart the kernel."
NO_CODE = "The engine runs no code of yours, only queries: fetch a small table with toPandas() and go on in Python here."
NO_CHANGE = "The class reads and changes nothing"
NO_WRITE = f"{NO_CHANGE}: write files in your own folder, with pandas or polars."
NO_OTHER_DATA = f"{NO_CHANGE}: no other data are here than the tables of the release, see tables()."
NO_FILES = "The engine takes no files: keep them in your own folder and read them with pandas or polars."
TOO_MANY = f"You already have {QUERIES_AT_ONCE} queries running: wait for one of them, or interrupt it."
TWICE = "A query of this session already runs under this number: wait for it, or leave the number to Spark's client."
TOO_LONG = "This query ran for {seconds} seconds and was stopped, so that the others can go on: join on a key, filter first, or count fewer rows."
TOO_LARGE = "This result is larger than {megabytes} MiB and was stopped: count, aggregate, or add LIMIT."
RUNS_FIRST = (
    "The engine would have to run this before it could tell its columns: name the values of a pivot, .pivot(column, [values]),"
    " or fetch the rows with toPandas() and look at theirs."
)
NOT_HERE = "The engine does not offer this: ask with SQL or a DataFrame."

WARM_UP = (
    "SHOW TABLES",
    "CREATE TEMP VIEW cohort AS SELECT tumor_no FROM edu_tumor WHERE cast(conv(substr(sha2('1', 256), 1, 8), 16, 10) as bigint) % 5 <> 0",
    "SELECT stage, count(*) AS n FROM edu_tumor t JOIN cohort c USING (tumor_no) GROUP BY stage ORDER BY n DESC LIMIT 5",
    "SELECT t.stage, avg(s.days) FROM edu_survival s JOIN edu_tumor t ON s.tumor_no = t.tumor_no WHERE s.event GROUP BY t.stage",
    "DESCRIBE TABLE edu_tumor",
)
WARM_UP_CURATED = ("SHOW TABLES IN gold", "SELECT count(*) FROM gold.patient_summary", "DESCRIBE TABLE gold.patient_summary")
ALLOWED_COMMANDS = {"sql_command", "create_dataframe_view", "get_resources_command", "remove_cached_remote_relation_command"}
ALLOWED_CATALOG = {
    *(
        "current_database",
        "set_current_database",
        "list_databases",
        "list_tables",
        "list_functions",
        "list_columns",
        "get_database",
    ),
    *("get_table", "get_function", "database_exists", "table_exists", "function_exists", "drop_temp_view", "is_cached"),
    *("current_catalog", "list_catalogs", "list_views", "get_table_properties", "get_create_table_string", "list_partitions"),
}
ANALYSES = {
    "schema",
    "explain",
    "tree_string",
    "is_local",
    "is_streaming",
    "input_files",
    "spark_version",
    "ddl_parse",
    "same_semantics",
}
ANALYSES |= {"semantic_hash", "get_storage_level", "json_to_ddl", "unpersist"}
# What may be read with spark.read; where none is named it is parquet. The rule on plans says which files.
FORMATS = {"", "delta", "parquet", "orc", "csv", "json", "text", "binaryfile"}
# Wherever in a plan one of these stands, it carries code, files or a plug-in.
CODE = {
    *("CommonInlineUserDefinedFunction", "CommonInlineUserDefinedTableFunction", "CommonInlineUserDefinedDataSource"),
    *("PythonUDF", "ScalarScalaUDF", "JavaUDF", "TypedAggregateExpression", "MapPartitions", "GroupMap", "CoGroupMap"),
    *("ApplyInPandasWithState", "MlRelation", "Any", "CompressedOperation"),
}


# What Spark 4.2 runs while it understands a plan: its columns are values of rows, or its answer is made at once.
EAGER = {"StatCrosstab", "StatApproxQuantile", "Transpose", "ShowString", "HtmlString"}


class Refused(Exception):
    """A request that does not pass the door, with its sentence."""

    def __init__(self, sentence: str, code: int = code_pb2.PERMISSION_DENIED) -> None:
        super().__init__(sentence)
        self.code = code


# Whose query, of which session, under which number: the number alone is the client's to choose, and may be anybody's.
Key = tuple[str, str, str]


def key_of(asked: Any) -> Key:
    """The execution that a request is about, as Spark itself tells them apart."""
    return asked.user_context.user_id, asked.session_id, asked.operation_id


@dataclass
class Running:
    """A query under way."""

    key: Key
    since: float = field(default_factory=time.monotonic)
    fetched: int = 0
    tasks: int = 0
    progress_since: float = field(default_factory=time.monotonic)
    people: int = 1
    stopped_because: str | None = None
    client: str = ""
    rows: int = 0
    # Whether its answers go on after a break: else they are over with the call that brings them.
    reattachable: bool = True
    # Such a call is over, or whoever asked has gone.
    left: bool = False
    runs_first: bool = False
    # What is only understood has read nothing: Spark's client asks again, for the rows.
    only_understood: bool = False

    @property
    def user(self) -> str:
        return self.key[0]


def check_plan(plan: base.Plan) -> None:
    """Nothing for a plan that only asks; Refused otherwise."""
    if plan.WhichOneof("op_type") == "command":
        command = plan.command.WhichOneof("command_type")
        if command not in ALLOWED_COMMANDS:
            raise Refused(NO_CODE if command and ("function" in command or "data_source" in command) else NO_WRITE)
        if command == "create_dataframe_view" and plan.command.create_dataframe_view.is_global:
            raise Refused(NO_WRITE)
    for message in messages(plan):
        name = message.DESCRIPTOR.name
        if name in CODE:
            raise Refused(NO_CODE)
        if name == "DataSource":
            _check_source(message)
        if name == "Catalog" and message.WhichOneof("cat_type") not in ALLOWED_CATALOG:
            raise Refused(NO_WRITE)


def _check_source(source: Any) -> None:
    """Nothing for files; Refused for a source that Spark would call, and an option that says what a path means, while it understands the plan."""
    if source.format.lower() not in FORMATS or any(key.lower().startswith("fs.") for key in source.options):
        raise Refused(NO_OTHER_DATA)


def runs_first(asked: Message) -> bool:
    """Whether Spark runs something of this before it knows what its columns are."""
    return any(_is_eager(message) for message in messages(asked))


def _is_eager(message: Any) -> bool:
    name = message.DESCRIPTOR.name
    # Values that nobody named, and columns of lines of text that nobody described, are looked for in the rows.
    unnamed = (name == "Pivot" and not message.values) or (name == "Parse" and not message.HasField("schema"))
    return unnamed or name in EAGER


def messages(message: Message) -> Iterator[Message]:
    """A message and all those inside it."""
    waiting = [message]
    while waiting:
        current = waiting.pop()
        yield current
        for descriptor, value in current.ListFields():
            if descriptor.message_type is None:
                continue
            if descriptor.message_type.GetOptions().map_entry:
                waiting += [entry for entry in value.values() if isinstance(entry, Message)]
            elif isinstance(value, Message):
                waiting.append(value)
            else:
                waiting += value


class Door:
    """What the class has under way, and the connection to Spark behind it."""

    def __init__(self, orders: Orders, inner: str, token: str) -> None:
        self.orders = orders
        self.running: dict[Key, Running] = {}
        options = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
        self.channel = grpc.aio.insecure_channel(inner, options=options)
        self.metadata = (("authorization", f"Bearer {token}"),)
        self.note = tell if orders.noted else _nothing
        self.server: grpc.aio.Server | None = None
        self.watchman: asyncio.Task[None] | None = None

    def name(self, context: grpc.aio.ServicerContext) -> str:
        """Who asks."""
        given = dict(context.invocation_metadata() or ()).get("authorization", "")
        user = user_of(self.orders.key, str(given).removeprefix("Bearer "))
        if user is None:
            raise Refused(UNKNOWN, code_pb2.UNAUTHENTICATED)
        return user

    def unary(self, method: str, request: Any) -> Any:
        """The call that passes one request on, under the name of who asks."""
        call = self.channel.unary_unary(
            f"/{SERVICE}/{method}", request_serializer=request.SerializeToString, response_deserializer=lambda raw: raw
        )

        async def passed(raw: bytes, context: grpc.aio.ServicerContext) -> bytes:
            try:
                asked = self._named(request, raw, context)
                if method in CHECKS:
                    CHECKS[method](asked)
                answer: bytes = await call(asked, metadata=self.metadata)
                if method == "ReleaseExecute" and asked.WhichOneof("release") == "release_all":
                    self._forget(key_of(asked), "stopped")
                return answer
            except Refused as refused:
                return await self._abort(context, refused)
            except grpc.aio.AioRpcError as error:
                return await _pass_on(context, error)

        return grpc.unary_unary_rpc_method_handler(passed)

    def stream(self, method: str, request: Any) -> Any:
        """The call that passes the answers of a query on, and counts."""
        call = self.channel.unary_stream(
            f"/{SERVICE}/{method}", request_serializer=request.SerializeToString, response_deserializer=lambda raw: raw
        )

        async def passed(raw: bytes, context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
            query: Running | None = None
            try:
                asked = self._named(request, raw, context)
                query = self._begin(asked) if method == "ExecutePlan" else self.running.get(key_of(asked))
                async for answer in call(asked, metadata=self.metadata):
                    self._count(query, answer)
                    yield answer
                if query and not query.reattachable:
                    # Spark says "complete" to those alone who may come back for the rest.
                    self._forget(query.key, "answered")
            except Refused as refused:
                if query:
                    await self._end(query, "stopped")
                elif method == "ExecutePlan" and not _is_goodbye(request, raw):
                    self._note_refusal(request, raw, context)
                await self._abort(context, refused)
            except grpc.aio.AioRpcError as error:
                said = error.details() or ""
                if query and LOST_PLACE not in said:
                    refused_by_rule = told(NO_CHANGE, curated=self.orders.curated) in said
                    await self._end(query, "stopped" if query.stopped_because else "refused" if refused_by_rule else "failed")
                    if query.stopped_because:
                        await self._abort(context, Refused(query.stopped_because, code_pb2.RESOURCE_EXHAUSTED))
                await _pass_on(context, error)
            finally:
                if query and not query.reattachable:
                    query.left = True

        return grpc.unary_stream_rpc_method_handler(passed)

    async def _abort(self, context: grpc.aio.ServicerContext, refused: Refused) -> Any:
        return await _abort(context, Refused(told(str(refused), curated=self.orders.curated), refused.code))

    def _named(self, request: Any, raw: bytes, context: grpc.aio.ServicerContext) -> Any:
        user = self.name(context)
        try:
            asked = request.FromString(raw)
        except DecodeError:
            raise Refused(NOT_HERE, code_pb2.INVALID_ARGUMENT) from None
        asked.user_context.user_id = asked.user_context.user_name = user
        del asked.user_context.extensions[:]
        return asked

    def _begin(self, asked: Any) -> Running:
        check_plan(asked.plan)
        user = asked.user_context.user_id
        if sum(query.user == user for query in self.running.values()) >= QUERIES_AT_ONCE:
            raise Refused(TOO_MANY, code_pb2.RESOURCE_EXHAUSTED)
        if not asked.operation_id:
            asked.operation_id = str(uuid.uuid4())
        if key_of(asked) in self.running:
            raise Refused(TWICE, code_pb2.ALREADY_EXISTS)
        query = Running(
            key_of(asked),
            client=NO_CLIENT.sub("", asked.client_type)[:LONGEST_CLIENT],
            reattachable=any(option.reattach_options.reattachable for option in asked.request_options),
            runs_first=runs_first(asked.plan),
        )
        self.running[query.key] = query
        return query

    def _forget(self, key: Key, outcome: str) -> None:
        """A query is over; the log is told how, and of how many rows."""
        query = self.running.pop(key, None)
        if query is not None:
            user, session, operation = key
            line = {"event": "ended", "who": user, "session": session, "operation": operation, "client": query.client}
            self.note(line | {"outcome": "understood" if query.only_understood else outcome, "rows": query.rows})

    def _note_refusal(self, request: Any, raw: bytes, context: grpc.aio.ServicerContext) -> None:
        """Who was not let in, as far as that can be known."""
        try:
            who: str | None = self.name(context)
        except Refused:
            who = None
        self.note(
            {"event": "ended", "who": who, "session": None, "operation": None, "client": "", "outcome": "refused", "rows": 0}
        )

    def _count(self, query: Running | None, answer: bytes) -> None:
        if query is None:
            return
        told = base.ExecutePlanResponse.FromString(answer)
        kind = told.WhichOneof("response_type")
        if kind == "result_complete":
            self._forget(query.key, "answered")
        elif kind == "sql_command_result":
            answer_to_come = told.sql_command_result.relation.WhichOneof("rel_type") in ONLY_UNDERSTOOD
            query.only_understood = answer_to_come and not query.runs_first
        elif kind == "execution_progress":
            if told.execution_progress.num_inflight_tasks:
                query.progress_since = time.monotonic()
            query.tasks = told.execution_progress.num_inflight_tasks
        elif kind == "arrow_batch":
            query.progress_since = time.monotonic()
            query.fetched += len(told.arrow_batch.data)
            query.rows += told.arrow_batch.row_count
            if query.fetched > self.orders.megabytes * 1024 * 1024:
                raise Refused(TOO_LARGE.format(megabytes=self.orders.megabytes), code_pb2.RESOURCE_EXHAUSTED)

    async def warm_up(self) -> None:
        """Ask what the class will ask first: whoever comes first would wait for the JVM to load all that."""
        call = self.channel.unary_stream(
            f"/{SERVICE}/ExecutePlan", request_serializer=base.ExecutePlanRequest.SerializeToString, response_deserializer=bytes
        )
        session = str(uuid.uuid4())
        for query in WARM_UP_CURATED if self.orders.curated else WARM_UP:
            request = base.ExecutePlanRequest(session_id=session)
            request.user_context.user_id = "warm-up"
            if query.startswith("SELECT"):
                request.plan.root.sql.query = query
            else:
                request.plan.command.sql_command.input.sql.query = query
            # A release without one of these tables is no reason not to start.
            with suppress(grpc.aio.AioRpcError):
                async for _ in call(request, metadata=self.metadata):
                    pass

    async def close(self) -> None:
        """Let nobody in any more."""
        if self.server and self.watchman:
            self.watchman.cancel()
            await self.server.stop(grace=None)

    async def watch(self) -> None:
        """Stop, once a second, what has run too long."""
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            people = len({query.user for query in self.running.values() if not query.stopped_because})
            for query in list(self.running.values()):
                # The most there were: who shared the machine until now has not had it alone since the others left.
                query.people = max(query.people, people)
                age = now - query.since
                if query.left:
                    await self._end(query, "stopped")
                elif age > self.orders.seconds + 60:
                    self._forget(query.key, "stopped")
                elif age > self.seconds_for(query, now):
                    query.stopped_because = query.stopped_because or TOO_LONG.format(seconds=round(age))
                    await self._interrupt(query)

    def seconds_for(self, query: Running, now: float) -> int:
        """How long a query may run: fewer seconds while somebody else gets nothing, yet more of them the more people shared the engine."""
        others_wait = any(
            other.user != query.user and not other.tasks and now - other.progress_since > WAITING_SECONDS
            for other in self.running.values()
        )
        if not (others_wait and query.tasks):
            return self.orders.seconds
        return min(self.orders.seconds, SECONDS_A_PERSON_WHILE_OTHERS_WAIT * query.people)

    async def _end(self, query: Running, outcome: str) -> None:
        """Forget a query whose answers broke off, and see that it does not run on unseen."""
        await self._interrupt(query)
        self._forget(query.key, outcome)

    async def _interrupt(self, query: Running) -> None:
        user, session, operation = query.key
        request = base.InterruptRequest(
            session_id=session,
            interrupt_type=base.InterruptRequest.INTERRUPT_TYPE_OPERATION_ID,
            operation_id=operation,
        )
        request.user_context.user_id = user
        call = self.channel.unary_unary(
            f"/{SERVICE}/Interrupt",
            request_serializer=base.InterruptRequest.SerializeToString,
            response_deserializer=base.InterruptResponse.FromString,
        )
        try:
            await call(request, metadata=self.metadata, timeout=5)
        except grpc.aio.AioRpcError:
            # It has ended by itself, or the engine is busy: the next round tries again.
            return


def _is_goodbye(request: Any, raw: bytes) -> bool:
    """Whether this is what Spark's client of Python says when it ends: no person asked for it, and there are no models here."""
    try:
        return bool(request.FromString(raw).plan.command.ml_command.HasField("clean_cache"))
    except DecodeError:
        return False


def _nothing(line: dict[str, object]) -> None:
    """A class reads what is anonymous: there is no log of it."""


def _check_settings(asked: Any) -> None:
    """Nothing where settings are only read, or are such as a class may change; Refused otherwise."""
    operation = asked.operation
    changed = [pair.key for pair in operation.set.pairs] + list(operation.unset.keys)
    if any(key.strip() not in SETTABLE for key in changed):
        raise Refused(f"{NO_CHANGE}: {NO_SETTING}")


def _check_analysis(asked: Any) -> None:
    if asked.WhichOneof("analyze") not in ANALYSES:
        raise Refused(NOT_HERE)
    for message in messages(asked):
        if isinstance(message, base.Plan):
            check_plan(message)
    if runs_first(asked):
        raise Refused(RUNS_FIRST)


CHECKS = {"AnalyzePlan": _check_analysis, "Config": _check_settings}


async def refuse_files(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> bytes:
    """AddArtifacts: nothing is taken."""
    return await _abort(context, Refused(NO_FILES))


async def refuse(raw: bytes, context: grpc.aio.ServicerContext) -> bytes:
    """A call the class has no use for."""
    return await _abort(context, Refused(NOT_HERE))


async def _abort(context: grpc.aio.ServicerContext, refused: Refused) -> Any:
    status = rpc_status.to_status(status_pb2.Status(code=refused.code, message=str(refused)))
    context.set_trailing_metadata(status.trailing_metadata)
    await context.abort(status.code, status.details)


async def _pass_on(context: grpc.aio.ServicerContext, error: grpc.aio.AioRpcError) -> Any:
    trailing = tuple((key, value) for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin")
    context.set_trailing_metadata(trailing)
    await context.abort(error.code(), error.details() or "")


async def open_door(orders: Orders, inner: str, token: str) -> Door:
    """A server on the engine's socket, in front of the Spark Connect server at `inner`."""
    door = Door(orders, inner, token)
    handlers = {
        "ExecutePlan": door.stream("ExecutePlan", base.ExecutePlanRequest),
        "ReattachExecute": door.stream("ReattachExecute", base.ReattachExecuteRequest),
        "AddArtifacts": grpc.stream_unary_rpc_method_handler(refuse_files),
        "CloneSession": grpc.unary_unary_rpc_method_handler(refuse),
        "GetStatus": grpc.unary_unary_rpc_method_handler(refuse),
    }
    for method, request in (
        ("AnalyzePlan", base.AnalyzePlanRequest),
        ("Config", base.ConfigRequest),
        ("ArtifactStatus", base.ArtifactStatusesRequest),
        ("Interrupt", base.InterruptRequest),
        ("ReleaseExecute", base.ReleaseExecuteRequest),
        ("ReleaseSession", base.ReleaseSessionRequest),
        ("FetchErrorDetails", base.FetchErrorDetailsRequest),
    ):
        handlers[method] = door.unary(method, request)
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    # Whoever reaches the socket may knock: the token decides.
    before = os.umask(0)
    server.add_insecure_port(f"unix:{orders.socket}")
    await server.start()
    os.umask(before)
    door.server, door.watchman = server, asyncio.create_task(door.watch())
    return door
