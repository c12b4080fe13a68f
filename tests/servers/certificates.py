"""A certificate authority of one's own, and what it signs."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Authority:
    """Two of the same name share no key: neither vouches for what the other signed."""

    def __init__(self, name: str = "Authority of a test") -> None:
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        may_sign = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self._certificate = (
            self._begin(name, self._key, 30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(may_sign, critical=True)
            .sign(self._key, SHA256())
        )

    def write(self, file: Path) -> Path:
        """What clients trust."""
        file.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        return file

    def certify(self, host: str, certificate: Path, key: Path, *, days: int = 30) -> None:
        """Write the certificate of a server at this name or IP address, and its key. It ends in `days`, or ended so long ago."""
        own = ec.generate_private_key(ec.SECP256R1())
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = (
            self._begin(host, own, days)
            .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, SHA256())
        )
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        key.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def _begin(self, subject: str, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        end = datetime.now(UTC) + days * _DAY
        return x509.CertificateBuilder(
            _name(self._name), _name(subject), key.public_key(), x509.random_serial_number(), end - 60 * _DAY, end
        ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
