"""Start the node of `elasticsearch.py` with Elasticsearch's own security: TLS, users, roles, API keys, and its real 401 and 403.

    python -m tests.servers.secured_elasticsearch --port 9200 --data DIR    # the superuser is ADMIN, DIR/config/ca.crt is to be trusted

Maven Central carries the two jars of it, not all that they name. What they need to log in with SAML, OpenID or Kerberos, and to
fetch over HTTP, is never run here, but the Java runtime wants to see the classes: they are made, empty. The index of users and API
keys names analysers of a module that is not there, for a search that nobody does here: others take their place.
"""

import base64
import hashlib
import os
import re
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.elasticsearch import NETTY_DESCRIPTOR, NETTY_MODULE, VERSION, lay_out_home, main

ADMIN = ("admin", "secret-admin")
"""User and password of the superuser."""
CA = "ca.crt"
"""In the folder of the configuration: who signed the certificate of the node, which is for 127.0.0.1 alone."""
SECURITY = ("org.elasticsearch.plugin", "x-pack-security", VERSION)
CORE = ("org.elasticsearch.plugin", "x-pack-core", VERSION)
NEEDED = (
    ("org.apache.httpcomponents", "httpclient", "4.5.14"),
    ("org.apache.httpcomponents", "httpcore", "4.4.16"),
    ("commons-logging", "commons-logging", "1.2"),
    ("com.unboundid", "unboundid-ldapsdk", "7.0.3"),
    ("org.slf4j", "slf4j-api", "2.0.18"),
)
ABSENT = ("org/opensaml/", "net/shibboleth/", "com/nimbusds/", "com/ibm/icu/", "org/apache/http/", "net/minidev/")
"""Packages whose missing classes are made."""
FILTERS = ("pattern_capture", "unique")
TOKENIZER = "uax_url_email"
_ROUNDS = 1000


def lay_out_secured_home(cache: Path) -> Path:
    """A home folder as `lay_out_home` makes it, with the two modules more."""
    key = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    home = cache / f"elasticsearch-secured-{VERSION}-{key}"
    if home.exists():
        return home
    plain = lay_out_home(cache)
    building = Path(tempfile.mkdtemp(dir=cache))
    shutil.copytree(plain, building, symlinks=True, dirs_exist_ok=True)
    core, security = building / "modules" / "x-pack-core", building / "modules" / "x-pack-security"
    shutil.copytree(building / "modules" / NETTY_MODULE, security)  # as the distribution has it
    core.mkdir()
    for coordinates in (CORE, *NEEDED):
        shutil.copy(_jar(*coordinates), core)
    shutil.copy(_jar(*SECURITY), security)
    _make_absent(core, [_jar(*CORE), _jar(*SECURITY)])
    _describe(core, "org.elasticsearch.xpack.core.XPackPlugin", extends="")
    _describe(security, "org.elasticsearch.xpack.security.Security", extends="x-pack-core")
    try:
        building.rename(home)
    except OSError:  # another process laid it out first
        shutil.rmtree(building)
    return home


def secure(config: Path) -> dict[str, str]:
    """The settings of users and TLS, and the files that they read."""
    write_admin(config)
    write_certificates(config)
    tls = {"enabled": "true", "certificate": "node.crt", "key": "node.key"}
    return {"xpack.security.enabled": "true", **{f"xpack.security.http.ssl.{key}": value for key, value in tls.items()}}


def write_certificates(config: Path) -> None:
    """Once: a node that starts again is trusted as before."""
    if not (config / CA).exists():
        authority = Authority()
        authority.certify("127.0.0.1", config / "node.crt", config / "node.key")
        authority.write(config / CA)


def write_admin(config: Path) -> None:
    """The superuser, in the files of the `file` realm."""
    name, password = ADMIN
    salt = os.urandom(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 32)
    hashed = f"{{PBKDF2}}{_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"
    (config / "users").write_text(f"{name}:{hashed}\n")
    (config / "users_roles").write_text(f"superuser:{name}\n")


def replace_analysers(node: Any) -> None:
    """Of the index `.security`, see above."""
    from jpype import JClass

    registry = node.injector().getInstance(JClass("org.elasticsearch.index.analysis.AnalysisRegistry"))
    for field, names, other in (("tokenFilters", FILTERS, "stop"), ("tokenizers", (TOKENIZER,), "standard")):
        known = registry.getClass().getDeclaredField(field)
        known.setAccessible(True)
        providers = JClass("java.util.HashMap")(known.get(registry))
        for name in names:
            providers.put(name, providers.get(other))
        known.set(registry, providers)


def _jar(group: str, name: str, version: str) -> Path:
    """Downloaded once, alone."""
    from jgo.maven import MavenContext

    return Path(MavenContext().project(group, name).at_version(version).artifact().resolve())


def _describe(module: Path, plugin: str, *, extends: str) -> None:
    described = {"name": module.name, "classname": plugin, "extended.plugins": extends, "licensed": "true"}
    lines = [line.partition("=") for line in NETTY_DESCRIPTOR.splitlines()]
    text = "".join(f"{key}={described.get(key, value)}\n" for key, _, value in lines)
    (module / "plugin-descriptor.properties").write_text(text)


def _make_absent(module: Path, jars: list[Path]) -> None:
    """A jar of the classes that these jars name and `module` does not have. As interfaces: nothing is refused that is one."""
    there = {name.removesuffix(".class") for jar in module.glob("*.jar") for name in zipfile.ZipFile(jar).namelist()}
    named: set[str] = set()
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.namelist():
                if entry.endswith(".class") and entry != "module-info.class":
                    named.update(_named(archive.read(entry)))
    with zipfile.ZipFile(module / "absent.jar", "w") as archive:
        for name in sorted(named - there):
            archive.writestr(f"{name}.class", _empty(name))


def _named(compiled: bytes) -> Iterator[str]:
    """The classes of `ABSENT` in the constant pool of a class file."""
    texts, classes, position, index = dict[int, str](), list[int](), 10, 1
    (count,) = struct.unpack_from(">H", compiled, 8)
    sizes = {3: 5, 4: 5, 5: 9, 6: 9, 7: 3, 8: 3, 9: 5, 10: 5, 11: 5, 12: 5, 15: 4, 16: 3, 17: 5, 18: 5, 19: 3, 20: 3}
    while index < count:
        tag = compiled[position]
        if tag == 1:  # a text
            (size,) = struct.unpack_from(">H", compiled, position + 1)
            texts[index] = compiled[position + 3 : position + 3 + size].decode(errors="replace")
            position += 3 + size
        else:
            if tag == 7:  # the name of a class
                classes += struct.unpack_from(">H", compiled, position + 1)
            position += sizes[tag]
        index += 2 if tag in (5, 6) else 1  # a long and a double take two places
    for name in (texts[index].lstrip("[").removeprefix("L").rstrip(";") for index in classes):
        if name.startswith(ABSENT):
            yield name
    for text in texts.values():
        yield from (name for name in re.findall(r"L([\w/$]+);", text) if name.startswith(ABSENT))


def _empty(name: str) -> bytes:
    """The class file of an interface without members."""
    texts = [b"\x01" + struct.pack(">H", len(text)) + text for text in (name.encode(), b"java/lang/Object")]
    pool = texts[0] + b"\x07\x00\x01" + texts[1] + b"\x07\x00\x03"
    public_abstract_interface = 0x0601
    return (
        b"\xca\xfe\xba\xbe"
        + struct.pack(">HHH", 0, 52, 5)
        + pool
        + struct.pack(">7H", public_abstract_interface, 2, 4, 0, 0, 0, 0)
    )


if __name__ == "__main__":
    main(__doc__ or "", lay_out_secured_home, secure, replace_analysers)
