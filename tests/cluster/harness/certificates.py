"""The cluster's certificate authority, its certificates and kubeconfigs."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .places import API_PORT, API_SERVICE, NODE_ADDRESS, NODE_NAME

API_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
)
API_ADDRESSES = ("127.0.0.1", NODE_ADDRESS, API_SERVICE)


@dataclass(frozen=True)
class Identity:
    """Whom a certificate speaks for."""

    file: str
    name: str
    group: str = ""
    dns: Sequence[str] = ()
    addresses: Sequence[str] = ()
    kubeconfig: bool = True


IDENTITIES = (
    Identity("apiserver", "kube-apiserver", "", API_NAMES, API_ADDRESSES, kubeconfig=False),
    Identity("apiserver-kubelet", "kube-apiserver", "system:masters", kubeconfig=False),
    Identity("admin", "admin", "system:masters"),
    Identity("controller-manager", "system:kube-controller-manager"),
    Identity("scheduler", "system:kube-scheduler"),
    Identity("kube-proxy", "system:kube-proxy"),
    Identity("provisioner", "local-path-provisioner", "system:masters"),
    Identity("kubelet", f"system:node:{NODE_NAME}", "system:nodes", [NODE_NAME], [NODE_ADDRESS]),
)


def write(folder: Path) -> None:
    """Make everything anew: authority, certificates, service account keys, kubeconfigs."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    _save(folder, "ca", authority_key, authority)
    for identity in IDENTITIES:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(identity, key, authority, authority_key)
        _save(folder, identity.file, key, certificate)
        if identity.kubeconfig:
            _write_private(folder / f"{identity.file}.kubeconfig", _kubeconfig(folder, identity))
    tokens = ec.generate_private_key(ec.SECP256R1())
    _save(folder, "service-accounts", tokens)
    public = tokens.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "service-accounts.pub").write_bytes(public)


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test cluster")])
    usage = _usage(key_cert_sign=True, crl_sign=True)
    return (
        _dated(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    identity: Identity,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, identity.name)]
    if identity.group:
        subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.group))
    both = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    builder = (
        _dated(x509.Name(subject), authority.subject, key)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(_issued_by(authority_key), critical=False)  # Python 3.13 insists
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in identity.dns]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in identity.addresses]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _issued_by(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _dated(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365))
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _save(
    folder: Path,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    certificate: x509.Certificate | None = None,
) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write_private(folder / f"{name}.key", text.decode())
    if certificate is not None:
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        (folder / f"{name}.crt").write_bytes(pem)


def _kubeconfig(folder: Path, identity: Identity) -> str:
    """JSON, which YAML readers read too."""
    encoded = {
        name: base64.b64encode((folder / name).read_bytes()).decode()
        for name in ("ca.crt", f"{identity.file}.crt", f"{identity.file}.key")
    }
    cluster = {
        "server": f"https://{NODE_ADDRESS}:{API_PORT}",
        "certificate-authority-data": encoded["ca.crt"],
    }
    user = {
        "client-certificate-data": encoded[f"{identity.file}.crt"],
        "client-key-data": encoded[f"{identity.file}.key"],
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": identity.file, "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": identity.file}}],
        "current-context": "test",
    }
    return json.dumps(config, indent=1)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
