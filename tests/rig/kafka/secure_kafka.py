"""The secure twin of the local Kafka: TLS with its own certificate, SCRAM and OAUTHBEARER.

Everything is created in a folder and removed with it: an authority, the broker's certificate, a
user's password, a key that signs tokens and the token endpoint that issues them.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from core.kafka.access import KafkaAccess
from infra.devstack.kafka import ListenerSecurity, LocalKafka
from infra.devstack.processes.ports import kept_port
from tests.rig.http import QuietHandler, serving

USER, PASSWORD = "sluice", "not-for-logs-4711"
CLIENT, CLIENT_SECRET = "sluice-client", "client-secret-not-for-logs"
AUDIENCE, ISSUER = "kafka", "https://tokens.example.org"


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder; `ca` is the file that clients trust."""

    folder: Path
    name: str = "Test authority"

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def make(self) -> Authority:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        certificate = (
            _about(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        self.ca.write_bytes(_pem(certificate))
        (self.folder / "ca.key").write_bytes(_pem_key(key))
        return self

    def issue(self, name: str, host: str = "127.0.0.1") -> tuple[Path, Path]:
        """A certificate for a host, and its key."""
        ca = x509.load_pem_x509_certificate(self.ca.read_bytes())
        signing = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        assert isinstance(signing, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.IPAddress(ipaddress.ip_address(host)), x509.DNSName("localhost")]
        certificate = (
            _about(subject, ca.subject, key)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
                critical=False,
            )
            .sign(signing, hashes.SHA256())
        )
        cert_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert_file.write_bytes(_pem(certificate))
        key_file.write_bytes(_pem_key(key))
        return cert_file, key_file


def _about(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> Any:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@dataclass(frozen=True)
class TokenIssuer:
    """Signs tokens (RS256) and shows its public key as a JWKS file."""

    key: rsa.RSAPrivateKey
    jwks: Path

    @classmethod
    def make(cls, folder: Path) -> TokenIssuer:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = key.public_key().public_numbers()
        shown = {
            "kty": "RSA",
            "kid": "1",
            "use": "sig",
            "alg": "RS256",
            "n": _text(numbers.n.to_bytes(256, "big")),
            "e": _text(numbers.e.to_bytes(3, "big")),
        }
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [shown]}))
        return cls(key, jwks)

    def token(self, subject: str = CLIENT, life_s: float = 600.0) -> str:
        now = time.time()
        claims = {
            "sub": subject,
            "aud": AUDIENCE,
            "iss": ISSUER,
            "iat": int(now),
            "exp": int(now + life_s),
            "scope": "sluice",
        }
        head = _text(json.dumps({"alg": "RS256", "kid": "1", "typ": "JWT"}).encode())
        signed_part = f"{head}.{_text(json.dumps(claims).encode())}"
        signature = self.key.sign(signed_part.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed_part}.{_text(signature)}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextmanager
def token_endpoint(issuer: TokenIssuer) -> Iterator[str]:
    """An OAuth 2 token endpoint that issues tokens to `CLIENT`; its URL."""
    basic = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()

    class Handler(QuietHandler):
        def posted(self) -> None:
            form = parse_qs(self.body().decode())
            right = self.headers["authorization"] == f"Basic {basic}" and form["grant_type"] == [
                "client_credentials"
            ]
            document = {"access_token": issuer.token(), "expires_in": 600} if right else {}
            self.answer(200 if right else 401, json.dumps(document).encode())

    with serving(Handler) as url:
        yield f"{url}/token"


@dataclass(frozen=True)
class SecureKafka:
    """A node that accepts TLS only, with SCRAM or a token."""

    node: LocalKafka
    authority: Authority
    issuer: TokenIssuer

    @classmethod
    def in_folder(cls, folder: Path) -> SecureKafka:
        authority = Authority(folder / "certificates").make()
        cert, key = authority.issue("broker")
        both = folder / "broker-chain.pem"
        both.write_bytes(key.read_bytes() + cert.read_bytes())
        issuer = TokenIssuer.make(folder)
        node = LocalKafka.in_folder(folder / "kafka")
        inside = kept_port(folder / "kafka", "kafka-inside", 0)
        listeners = (
            f"INSIDE://127.0.0.1:{inside},OUTSIDE://127.0.0.1:{node.port},"
            f"CONTROLLER://127.0.0.1:{node.controller_port}"
        )
        login = "listener.name.outside.oauthbearer.sasl"
        bearer = "org.apache.kafka.common.security.oauthbearer"
        jwks = issuer.jwks.as_uri()
        doors = ListenerSecurity(
            settings={
                "listeners": listeners,
                "advertised.listeners": listeners,
                "listener.security.protocol.map": (
                    "INSIDE:PLAINTEXT,OUTSIDE:SASL_SSL,CONTROLLER:PLAINTEXT"
                ),
                "inter.broker.listener.name": "INSIDE",
                # A connection ends with its token.
                "connections.max.reauth.ms": "600000",
                "sasl.enabled.mechanisms": "SCRAM-SHA-512,OAUTHBEARER",
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(both),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(authority.ca),
                "listener.name.outside.scram-sha-512.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                ),
                f"{login}.jaas.config": f"{bearer}.OAuthBearerLoginModule required;",
                f"{login}.server.callback.handler.class": (
                    f"{bearer}.OAuthBearerValidatorCallbackHandler"
                ),
                "sasl.oauthbearer.jwks.endpoint.url": jwks,
                "sasl.oauthbearer.expected.audience": AUDIENCE,
                "sasl.oauthbearer.expected.issuer": ISSUER,
            },
            java=(
                f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={jwks}",
                f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.files={issuer.jwks}",
            ),
            formatting=("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"),
            access=KafkaAccess.of(
                kafka_security_protocol="SASL_SSL",
                kafka_ca_file=authority.ca,
                kafka_sasl_username=USER,
                kafka_sasl_password=PASSWORD,
            ),
        )
        return cls(replace(node, doors=doors), authority, issuer)

    @property
    def by_password(self) -> KafkaAccess:
        return self.node.doors.access
