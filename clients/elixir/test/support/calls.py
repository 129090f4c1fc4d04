"""Makes gRPC calls for tests that have no gRPC library of Elixir: terms come in and go out by standard
input and output, each with its length before it.

It is no part of the package. Arguments: none. The generated modules are imported by name, so PYTHONPATH
names their folder.
"""

import os
import struct
import sys
import threading

import grpc
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from snakepit.bridge import bridge_pb2


class Atom(str):
    """A text that is an atom in Elixir."""


NIL, TRUE, FALSE = Atom("nil"), Atom("true"), Atom("false")


def packed(term):
    """A term in Erlang's external format, without its first byte."""
    if term is None:
        return packed(NIL)
    if isinstance(term, bool):
        return packed(TRUE if term else FALSE)
    if isinstance(term, Atom):
        text = term.encode()
        return bytes([119, len(text)]) + text
    if isinstance(term, str):
        return packed(term.encode())
    if isinstance(term, bytes):
        return struct.pack(">BI", 109, len(term)) + term
    if isinstance(term, int):
        if -(1 << 31) <= term < 1 << 31:
            return struct.pack(">Bi", 98, term)
        size = (abs(term).bit_length() + 7) // 8
        return bytes([110, size, term < 0]) + abs(term).to_bytes(size, "little")
    if isinstance(term, float):
        return struct.pack(">Bd", 70, term)
    if isinstance(term, list):
        return (struct.pack(">BI", 108, len(term)) if term else b"") + b"".join(map(packed, term)) + b"j"
    if isinstance(term, dict):
        return struct.pack(">BI", 116, len(term)) + b"".join(
            packed(key) + packed(value) for key, value in term.items())
    raise TypeError(f"no term: {term!r}")


class Reader:
    """Reads one term; binaries are bytes, maps dictionaries."""

    def __init__(self, data):
        self.data, self.at = data, 1

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def term(self):
        tag = self.number("B")
        if tag in (100, 118):
            return self.atom(self.number("H"))
        if tag in (115, 119):
            return self.atom(self.number("B"))
        if tag == 109:
            return self.take(self.number("I"))
        if tag == 97:
            return self.number("B")
        if tag == 98:
            return self.number("i")
        if tag == 110:
            size, negative = self.number("B"), self.number("B")
            value = int.from_bytes(self.take(size), "little")
            return -value if negative else value
        if tag == 70:
            return self.number("d")
        if tag == 106:
            return []
        if tag == 107:
            return list(self.take(self.number("H")))
        if tag == 108:
            items = [self.term() for _ in range(self.number("I"))]
            self.term()
            return items
        if tag == 116:
            return {self.term(): self.term() for _ in range(self.number("I"))}
        raise ValueError(f"no term has the tag {tag}: {self.data!r}")

    def atom(self, size):
        name = self.take(size).decode()
        return {"nil": None, "true": True, "false": False}.get(name, Atom(name))


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def text_of(term):
    return term.decode() if isinstance(term, bytes) else term


def scalar(field, term):
    if field.type == Field.TYPE_STRING:
        return text_of(term)
    if field.type == Field.TYPE_ENUM:
        return field.enum_type.values_by_name[term].number
    return term


def fill(message, term):
    """Sets the fields of a message; one that it does not have is an error."""
    for name, value in term.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        target = getattr(message, name)
        if is_map(field):
            inner = field.message_type.fields_by_name["value"]
            for key, element in value.items():
                if inner.message_type is not None:
                    fill(target[text_of(key)], element)
                else:
                    target[text_of(key)] = scalar(inner, element)
        elif field.is_repeated:
            for element in value:
                if field.message_type is not None:
                    fill(target.add(), element)
                else:
                    target.append(scalar(field, element))
        elif field.message_type is not None:
            target.SetInParent()
            fill(target, value)
        else:
            setattr(message, name, scalar(field, value))
    return message


def term_of(message):
    """All fields of a message, as a term."""
    def plain(field, value):
        if field.message_type is not None:
            return term_of(value)
        if field.type == Field.TYPE_ENUM:
            return Atom(field.enum_type.values_by_number[value].name)
        return value

    term = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if is_map(field):
            inner = field.message_type.fields_by_name["value"]
            value = {key: plain(inner, element) for key, element in value.items()}
        elif field.is_repeated:
            value = [plain(field, element) for element in value]
        elif field.has_presence and not message.HasField(field.name):
            value = None
        else:
            value = plain(field, value)
        term[Atom(field.name)] = value
    return term


def failure(error):
    """What a call that failed is told as. A status without details is none of the host's: the connection
    was lost."""
    reason, metadata = None, {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    reason, metadata = info.reason, dict(info.metadata)
    lost = error.code() == grpc.StatusCode.UNAVAILABLE and reason is None
    return {Atom("kind"): Atom("lost" if lost else "error"), Atom("code"): error.code().value[0],
            Atom("message"): error.details() or "", Atom("reason"): reason,
            Atom("metadata"): metadata}


BRIDGE = bridge_pb2.DESCRIPTOR.services_by_name["BridgeService"]
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]


class Calls:
    def __init__(self):
        self.channels, self.lock = {}, threading.Lock()

    def answer(self, identifier, **fields):
        term = {Atom("id"): identifier, **{Atom(key): value for key, value in fields.items()}}
        data = b"\x83" + packed(term)
        with self.lock:
            try:
                os.write(1, struct.pack(">I", len(data)))
                left = memoryview(data)
                while left:
                    left = left[os.write(1, left):]
            except BrokenPipeError:
                os._exit(0)

    def connect(self, identifier, address, token):
        channel = grpc.insecure_channel(address, options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
            ("grpc.initial_reconnect_backoff_ms", 3_600_000)])
        states = []
        settled = threading.Event()

        def changed(state):
            states.append(state)
            if state in (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE):
                settled.set()

        channel.subscribe(changed, try_to_connect=True)
        settled.wait()
        if grpc.ChannelConnectivity.READY not in states:
            channel.close()
            self.answer(identifier, kind=Atom("refused"), message=f"cannot connect to {address}")
            return
        self.channels[identifier] = channel, [("authorization", f"Bearer {token}")] if token else []
        self.answer(identifier, kind=Atom("ok"))

    def call(self, identifier, channel, rpc, request, timeout, metadata):
        try:
            channel, always = self.channels[channel]
            if rpc == "WatchHealth":
                method, path = HEALTH.methods_by_name["Watch"], "/grpc.health.v1.Health/Watch"
            else:
                method = BRIDGE.methods_by_name[rpc]
                path = f"/snakepit.bridge.BridgeService/{rpc}"
            message = fill(GetMessageClass(method.input_type)(), request)
            options = dict(
                timeout=timeout / 1000 if isinstance(timeout, int) else None,
                metadata=always + [(text_of(key), text_of(value)) for key, value in metadata.items()])
            make = channel.unary_stream if method.server_streaming else channel.unary_unary
            stub = make(path, request_serializer=lambda message: message.SerializeToString(),
                        response_deserializer=GetMessageClass(method.output_type).FromString)
            if not method.server_streaming:
                self.answer(identifier, kind=Atom("ok"), response=term_of(stub(message, **options)))
                return
            responses = stub(message, **options)
            responses.initial_metadata()
            if responses.code() in (None, grpc.StatusCode.OK) if responses.done() else True:
                self.answer(identifier, kind=Atom("begun"))
            for response in responses:
                self.answer(identifier, kind=Atom("item"), response=term_of(response))
            self.answer(identifier, kind=Atom("done"))
        except grpc.RpcError as error:
            self.answer(identifier, **{str(key): value for key, value in failure(error).items()})
        except Exception as error:  # noqa: BLE001
            # A request that is none, or a channel that was closed: the test shall see it.
            self.answer(identifier, kind=Atom("lost"), code=14, message=repr(error), reason=None,
                        metadata={})

    def run(self):
        source = sys.stdin.buffer
        while head := source.read(4):
            order = Reader(source.read(struct.unpack(">I", head)[0])).term()
            operation, identifier = order.pop("op"), order.pop("id")
            order = {key: text_of(value) for key, value in order.items()}
            if operation == "disconnect":
                channel = self.channels.pop(identifier, None)
                if channel:
                    channel[0].close()
            else:
                threading.Thread(
                    target=getattr(self, operation), args=[identifier], kwargs=order,
                    daemon=True).start()
        os._exit(0)


Calls().run()
