"""Random operations on one session over the wire, each recorded with its times and its answer."""

import json
import re
import threading
import time

import grpc
from bridge import CODE, any_json
from stubs import error_details_pb2, pb, rpc, status_pb2

from .operations import Answer, Operation, Seen, Violation

# Few, so that clients meet; `late` and `temp_y` do not exist at the start.
NAMES = ("a", "b", "c", "temp_x", "temp_y", "late")
AT_THE_START = ("a", "b", "c", "temp_x")

# A deadline that ends a hang; those of lost operations are milliseconds.
CALL_TIMEOUT = 30
# Bytes that make some values too large to wait unread in a connection for long.
PADDING = "x" * 4096

LOST = (CODE.DEADLINE_EXCEEDED, CODE.CANCELLED, CODE.UNAVAILABLE)


class Recorder:
    """What happened in one session; used by many threads."""

    def __init__(self, session_id):
        self.session_id = session_id
        self.epoch = None
        self.lock = threading.Lock()
        self.operations = []
        self.violations = []
        # The last version and ordinal anybody saw, by name: for checks that may hold.
        self.known = {}
        self.closing = threading.Event()

    def add(self, *operations):
        with self.lock:
            self.operations.extend(operations)

    def blame(self, kind, message):
        with self.lock:
            self.violations.append(Violation(kind, message))

    def check_epoch(self, epoch, what):
        if epoch != self.epoch:
            self.blame("answer", f"epoch {epoch!r} instead of {self.epoch!r} in {what}")


def seen(variable, identifier=None):
    """A variable as it came; with another id beside it, an impossible one."""
    ordinal = int(variable.id.rpartition("_")[2])
    if identifier not in (None, variable.id) or variable.id != f"var_{variable.name}_{ordinal}":
        ordinal = -1
    return Seen(variable.name, ordinal, variable.version, json.loads(variable.value.value),
                variable.revision, variable.constraints_json,
                variable.optimization_status.optimizer_id, variable.stale_since_revision)


def text(value):
    return any_json("string", value)


class Client:
    """One client with a connection of its own, or a shared one."""

    def __init__(self, name, recorder, host, random):
        self.name = name
        self.recorder = recorder
        self.host = host
        self.random = random
        self.channel = host.channel()
        self.stub = rpc.BridgeServiceStub(self.channel)
        self.count = 0
        # Whether the outcome of some operations is thrown away, and connections cut.
        self.loses = True

    def run(self, count):
        kinds = list(WEIGHTS)
        weights = list(WEIGHTS.values())
        for _ in range(count):
            getattr(self, self.random.choices(kinds, weights)[0])()

    # What is asked for

    def value(self):
        self.count += 1
        padding = f"|{PADDING}" if self.random.random() < 0.15 else ""
        return f"{self.name}.{self.count}{padding}"

    def identifier(self, name=None):
        name = name or self.random.choice(NAMES)
        known = self.recorder.known.get(name)
        return known[1] if known and self.random.random() < 0.2 else name

    def several(self):
        names = self.random.sample(NAMES, self.random.randint(2, 4))
        return names, tuple(self.identifier(name) for name in names)

    def holder(self):
        """Who the client is to an optimizer's lock: itself at times, like any other at others."""
        return self.name if self.random.random() < 0.5 else ""

    def metadata(self, operation):
        return {"optimizer_id": operation.holder} if operation.holder else {}

    def expected(self, name, often):
        known = self.recorder.known.get(name)
        return known[0] if known and self.random.random() < often else 0

    # The operations

    def register(self, name=None):
        name = name or self.random.choice(NAMES)
        operation = Operation("register", (name,), (self.value(),))
        self.call(operation, "RegisterVariable", pb.RegisterVariableRequest(
            session_id=self.recorder.session_id, name=name, type="string",
            initial_value=text(operation.values[0])), self.one_variable)

    def get(self):
        operation = Operation("get", (self.identifier(),))
        self.call(operation, "GetVariable", pb.GetVariableRequest(
            session_id=self.recorder.session_id,
            variable_identifier=operation.identifiers[0]), self.one_variable)

    def one_variable(self, operation, response):
        return Answer("", response.revision, (self.note(seen(response.variable)),))

    def get_many(self):
        _, identifiers = self.several()

        def answer(operation, response):
            missing = set(response.missing_variables)
            if missing | set(response.variables) != set(identifiers):
                self.recorder.blame("answer", f"not all identifiers answered: {operation}")
            return Answer("", response.revision, tuple(
                None if i in missing else self.note(seen(response.variables[i]))
                for i in identifiers))

        self.call(Operation("get_many", identifiers), "GetVariables", pb.BatchGetVariablesRequest(
            session_id=self.recorder.session_id, variable_identifiers=identifiers), answer)

    def list(self, pattern=None):
        if pattern is None:
            pattern = self.random.choice(("", "temp_*"))
        self.call(
            Operation("list", pattern=pattern), "ListVariables",
            pb.ListVariablesRequest(session_id=self.recorder.session_id, pattern=pattern),
            lambda operation, response: Answer("", response.revision, tuple(
                self.note(seen(variable)) for variable in response.variables)))

    def set(self, often=0.0):
        name = self.random.choice(NAMES)
        operation = Operation(
            "set", (self.identifier(name),), (self.value(),), (self.expected(name, often),),
            holder=self.holder())

        def answer(operation, response):
            if operation.identifiers[0] == name and name in self.recorder.known:
                self.recorder.known[name] = (response.new_version, self.recorder.known[name][1])
            return Answer("", response.revision, (response.new_version,))

        self.call(operation, "SetVariable", pb.SetVariableRequest(
            session_id=self.recorder.session_id, variable_identifier=operation.identifiers[0],
            value=text(operation.values[0]), expected_version=operation.expected[0],
            metadata=self.metadata(operation)), answer)

    def constrain(self):
        """Other constraints, which no value is against, and a value, in one change."""
        self.count += 1
        name = self.random.choice(NAMES)
        operation = Operation(
            "constrain", (self.identifier(name),), (self.value(),), (self.expected(name, 0.3),),
            holder=self.holder(), constraints=json.dumps({"max_length": 100_000 + self.count}))
        self.call(operation, "SetVariable", pb.SetVariableRequest(
            session_id=self.recorder.session_id, variable_identifier=operation.identifiers[0],
            value=text(operation.values[0]), expected_version=operation.expected[0],
            constraints_json=operation.constraints, metadata=self.metadata(operation)),
            lambda operation, response: Answer("", response.revision, (response.new_version,)),
            loses=False)

    def rollback(self):
        name = self.random.choice(NAMES)
        known = self.recorder.known.get(name, (1, ""))[0]
        operation = Operation(
            "rollback", (self.identifier(name),), (), (self.expected(name, 0.3),),
            holder=self.holder(), target=self.random.randint(max(1, known - 5), known + 1))

        def answer(operation, response):
            operation.values = (json.loads(response.variable.value.value),)
            return Answer("", response.revision, (self.note(seen(response.variable)),))

        # Refused, it writes nothing.
        operation.values = ("",)
        self.call(operation, "RollbackVariable", pb.RollbackVariableRequest(
            session_id=self.recorder.session_id, variable_identifier=operation.identifiers[0],
            target_version=operation.target, expected_version=operation.expected[0],
            metadata=self.metadata(operation)), answer, loses=False)

    def depend(self):
        dependent, source = self.random.sample(NAMES, 2)
        operation = Operation("depend", (self.identifier(dependent), self.identifier(source)))
        self.call(operation, "AddDependency", pb.AddDependencyRequest(
            session_id=self.recorder.session_id, to_variable=operation.identifiers[0],
            from_variable=operation.identifiers[1], dependency_type="data"),
            lambda operation, response: Answer(), loses=False)

    def start(self):
        operation = Operation("start", (self.identifier(),), holder=self.name)
        self.call(operation, "StartOptimization", pb.StartOptimizationRequest(
            session_id=self.recorder.session_id, variable_identifier=operation.identifiers[0],
            optimizer_id=self.name),
            lambda operation, response: Answer("", response.revision), loses=False)

    def stop(self):
        operation = Operation(
            "stop", (self.identifier(),), holder=self.name, force=self.random.random() < 0.5)
        self.call(operation, "StopOptimization", pb.StopOptimizationRequest(
            session_id=self.recorder.session_id, variable_identifier=operation.identifiers[0],
            optimizer_id=self.name, force=operation.force),
            # Its revision leaves open whether there was a lock to be let go of.
            lambda operation, response: Answer(
                "", None, (self.note(seen(response.variable)),)), loses=False)

    def compare_and_set(self):
        self.set(often=1.0)

    def batch_request(self, operation, atomic):
        return pb.BatchSetVariablesRequest(
            session_id=self.recorder.session_id, atomic=atomic,
            updates=dict(zip(operation.identifiers, map(text, operation.values))),
            metadata=self.metadata(operation),
            expected_versions={
                i: v for i, v in zip(operation.identifiers, operation.expected) if v})

    def set_many(self):
        names, identifiers = self.several()
        operation = Operation(
            "set_many", identifiers, tuple(self.value() for _ in names),
            tuple(self.expected(name, 0.3) for name in names), holder=self.holder())

        def answer(operation, response):
            if response.success:
                return Answer("", response.revision, tuple(
                    response.new_versions[i] for i in identifiers))
            return Answer("refused", response.revision, tuple(
                fault(response.errors.get(i, "")) for i in identifiers))

        self.call(operation, "SetVariables", self.batch_request(operation, True), answer)

    def set_some(self):
        """A batch that is not atomic: one write after another, in any order."""
        names, identifiers = self.several()
        whole = Operation(
            "set_many", identifiers, tuple(self.value() for _ in names),
            tuple(self.expected(name, 0.3) for name in names))
        parts = [
            Operation("set", (i,), (v,), (e,), client=self.name)
            for i, v, e in zip(identifiers, whole.values, whole.expected)]
        total = Operation("revision", after=tuple(parts))

        def answer(operation, response):
            for part in parts:
                identifier = part.identifiers[0]
                if identifier in response.new_versions:
                    part.answer = Answer("", None, (response.new_versions[identifier],))
                else:
                    error, current = fault(response.errors.get(identifier, ""))
                    part.answer = Answer(error, None, (), current)
            return Answer("", response.revision)

        self.call(total, "SetVariables", self.batch_request(whole, False), answer, parts)

    def delete(self):
        operation = Operation("delete", (self.identifier(),))
        self.call(operation, "DeleteVariable", pb.DeleteVariableRequest(
            session_id=self.recorder.session_id,
            variable_identifier=operation.identifiers[0]),
            lambda operation, response: Answer("", response.revision))

    def revision(self):
        self.call(
            Operation("revision"), "Heartbeat",
            pb.HeartbeatRequest(session_id=self.recorder.session_id),
            lambda operation, response: Answer("", response.revision)
            if response.session_valid else Answer("closed"))

    def close(self):
        self.recorder.closing.set()
        self.call(
            Operation("close"), "CleanupSession",
            pb.CleanupSessionRequest(session_id=self.recorder.session_id),
            lambda operation, response: Answer(), loses=False)

    def note(self, variable):
        self.recorder.known[variable.name] = (variable.version, variable.id)
        return variable

    # How it is asked

    def call(self, operation, method, request, answer, parts=(), loses=True):
        """Runs and records one operation; some are given up on the way."""
        operation.client = self.name
        fate = self.random.random() if self.loses and loses else 1
        timeout = self.random.uniform(0.0005, 0.004) if fate < 0.03 else CALL_TIMEOUT
        operation.start = time.monotonic()
        try:
            future = getattr(self.stub, method).future(request, timeout=timeout)
            if fate > 0.94:
                pass
            elif fate > 0.92:
                time.sleep(self.random.uniform(0, 0.002))
                future.cancel()
            elif fate > 0.91:
                time.sleep(self.random.uniform(0, 0.002))
                self.reconnect()
            response = future.result()
            operation.end = time.monotonic()
            operation.answer = answer(operation, response)
            if hasattr(response, "epoch") and operation.answer.error != "closed":
                self.recorder.check_epoch(response.epoch, operation)
        except grpc.RpcError as error:
            self.refused(operation, error)
        except grpc.FutureCancelledError:
            pass
        for part in parts:
            part.start = operation.start
            part.end = operation.end if part.is_known else part.end
        self.recorder.add(*parts, operation)

    def refused(self, operation, error):
        end = time.monotonic()
        if error.code() in LOST:
            return
        reason, facts = status_facts(error)
        known = {
            "SESSION_NOT_FOUND": "closed", "VARIABLE_NOT_FOUND": "missing",
            "ALREADY_EXISTS": "exists", "VERSION_MISMATCH": "mismatch",
            "FAILED_PRECONDITION": "cycle" if operation.kind == "depend" else "locked"}
        if operation.kind == "rollback":
            known["INVALID_ARGUMENT"] = "unknown"
        if reason not in known:
            self.recorder.blame(
                "answer", f"{operation} was answered {error.code()} {reason} {error.details()}")
            return
        operation.end = end
        operation.answer = Answer(known[reason], None, (), int(facts.get("current_version", 0)))

    def reconnect(self):
        self.channel.close()
        self.channel = self.host.channel()
        self.stub = rpc.BridgeServiceStub(self.channel)


WEIGHTS = {
    "register": 12, "get": 18, "get_many": 12, "list": 4, "set": 16, "compare_and_set": 14,
    "set_many": 14, "set_some": 4, "delete": 5, "revision": 4, "constrain": 4, "rollback": 6,
    "depend": 4, "start": 3, "stop": 5,
}

CURRENT = re.compile(r"current version is (\d+)")


def fault(message):
    """An error of a batch as (error, current version)."""
    if message.startswith("Variable not found"):
        return "missing", 0
    if message.startswith("not applied"):
        return "held", 0
    if "is locked by optimizer" in message:
        return "locked", 0
    current = CURRENT.search(message)
    return ("mismatch", int(current[1])) if current else (f"not to be expected: {message!r}", 0)


def status_facts(error):
    """The reason and the facts of a refusal."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info.reason, dict(info.metadata)
    return "", {}
