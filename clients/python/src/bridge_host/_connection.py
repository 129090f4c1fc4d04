"""How a client reaches its host: address, TLS, token, options of gRPC."""

from __future__ import annotations

import math
import os
import pathlib
from dataclasses import dataclass, field
from typing import Any, Optional, Union

import grpc

DEFAULT_ADDRESS = "127.0.0.1:50051"

#: Seconds that a call may take, where nobody says something else.
TIMEOUT = 30.0

_Source = Union[bytes, str, "os.PathLike[str]", None]


@dataclass(frozen=True)
class TLS:
    """How to speak TLS. Each part is PEM as bytes, or the path of a file.

    * `ca`: whom to trust; the system's authorities if not said.
    * `certificate`, `key`: what this client shows, where the host asks for it.
    * `server_name`: the name in the host's certificate, where it is not that of the address.
    """

    ca: _Source = None
    certificate: _Source = None
    key: _Source = field(default=None, repr=False)
    server_name: Optional[str] = None


def seconds(timeout: Optional[float], otherwise: Optional[float]) -> Optional[float]:
    """A call's timeout as grpc has it, where None is no limit."""
    if timeout is None:
        return otherwise
    return None if timeout == math.inf else timeout


def _pem(source: _Source) -> Optional[bytes]:
    if source is None or isinstance(source, bytes):
        return source
    return pathlib.Path(source).read_bytes()


@dataclass(frozen=True)
class Connection:
    """The settings of a client."""

    address: str
    credentials: Optional[grpc.ChannelCredentials]
    options: list[tuple[str, Any]]
    metadata: tuple[tuple[str, str], ...]

    @staticmethod
    def of(
        address: str, token: Optional[str], tls: Union[bool, TLS, grpc.ChannelCredentials], keepalive: float,
    ) -> Connection:
        """The settings for what `connect` was given."""
        options: list[tuple[str, Any]] = [
            # The host has the limits.
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # A host that was started again is found soon.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 5000),
            ("grpc.max_reconnect_backoff_ms", 5000),
            # Clients do not share connections: each has its own in the host's accounts.
            ("grpc.use_local_subchannel_pool", 1),
            # A host that is silent for so long is lost, for calls and watches alike.
            ("grpc.keepalive_time_ms", max(1, round(keepalive * 1000))),
            ("grpc.keepalive_timeout_ms", max(1, round(keepalive * 1000))),
            ("grpc.http2.ping_timeout_ms", max(1, round(keepalive * 1000))),
            ("grpc.http2.max_pings_without_data", 0),
        ]
        credentials = None
        if isinstance(tls, grpc.ChannelCredentials):
            credentials = tls
        elif tls:
            settings = tls if isinstance(tls, TLS) else TLS()
            credentials = grpc.ssl_channel_credentials(
                _pem(settings.ca), _pem(settings.key), _pem(settings.certificate))
            if settings.server_name:
                options.append(("grpc.ssl_target_name_override", settings.server_name))
        metadata = [("accept-binary", "raw")]
        if token is not None:
            metadata.append(("authorization", f"Bearer {token}"))
        return Connection(address, credentials, options, tuple(metadata))
