"""Certificates for tests, made on the fly."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(text):
    return x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "bridge-host tests"),
        x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Certificate:
    """A certificate and its key, as files in a directory."""

    def __init__(self, directory, name, issuer=None, is_authority=False, names=(), days=(-1, 1),
                 usage=None, until=None):
        """`usage` names what the key is for, nothing else; `until` is the end in place of days[1]."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(issuer.certificate.subject if issuer else _name(name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(until or now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usage is not None:
            uses = ("digital_signature", "content_commitment", "key_encipherment",
                    "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
                    "encipher_only", "decipher_only")
            builder = builder.add_extension(
                x509.KeyUsage(**{use: use in usage for use in uses}), critical=True)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.key_pem = self.key_bytes(serialization.NoEncryption())
        self.certificate_file = directory / f"{name}.pem"
        self.key_file = directory / f"{name}.key"
        self.certificate_file.write_bytes(self.pem)
        self.key_file.write_bytes(self.key_pem)
        self.key_file.chmod(0o600)

    def key_bytes(self, encryption):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    def encrypted_key(self):
        return self.key_bytes(serialization.BestAvailableEncryption(b"secret"))


def self_signed(directory, name, **options):
    """A certificate for localhost that nobody else has signed."""
    return Certificate(directory, name, names=[
        x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))], **options)


class Authority(Certificate):
    def __init__(self, directory, name, **options):
        super().__init__(directory, name, is_authority=True, **options)
        self.directory = directory

    def server(self, name="server", **options):
        return Certificate(self.directory, name, self, names=[
            x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
            **options)

    def client(self, name="client", **options):
        return Certificate(self.directory, name, self, names=[
            x509.DNSName("client.test"), x509.UniformResourceIdentifier("spiffe://test/client"),
            x509.IPAddress(ipaddress.ip_address("10.1.2.3"))], **options)
