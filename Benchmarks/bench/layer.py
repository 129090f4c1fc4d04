"""The gRPC layer alone, beside grpc-swift-2 and C++ gRPC: empty and echoing calls, and streams."""

import contextlib
import json
import pathlib

from . import build
from .measure import Segment, medians
from .processes import Generator, Server
from .report import Report, package_version, parser

SERVICE = "/grpc.testing.TestService/"
SHAPES = ((1, 1), (1, 100), (10, 10))
PAYLOAD = 1024
# Messages of one streaming call.
MESSAGES = 1000


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, value):
    """A field of protobuf's wire format: bytes, or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


# Of grpc.testing: a payload of zeros, which is field 3 of SimpleRequest and 1 of the responses.
ZEROS = field(2, bytes(PAYLOAD))
RESPONSE = field(1, ZEROS)

# By name: the method, its request, and each message of the answer and how many there are.
WORKLOADS = {
    "empty": ("EmptyCall", b"", b"", 1),
    "echo": ("UnaryCall", field(2, PAYLOAD) + field(3, ZEROS), RESPONSE, 1),
    "stream": ("StreamingOutputCall", field(2, field(1, PAYLOAD)) * MESSAGES, RESPONSE, MESSAGES),
}
TITLES = {
    "empty": "empty unary call", "echo": "unary call, 1 KiB each way",
    "stream": f"message of 1 KiB, {MESSAGES:,} a streaming call"}


class Contender:
    """A server, its generators by shape, and how many calls fill a segment."""

    def __init__(self, command, generator, stack):
        self.server = stack.enter_context(Server(*command))
        self.loads = {
            shape: stack.enter_context(Generator(generator, self.server, shape[0]))
            for shape in SHAPES}

    def segment(self, workload, shape, calls):
        method, request, response, messages = WORKLOADS[workload]
        with Segment(self.server) as segment:
            answer = self.loads[shape].checked(
                "calls", method="given", path=SERVICE + method, request=request.hex(),
                response=response.hex(), messages=messages, count=calls,
                concurrency=shape[0] * shape[1])
        figures = segment.figures(calls * messages, answer)
        return figures, calls / answer["seconds"]

    def sized(self, workload, shape, seconds):
        """How many calls take so long; what finds out warms the server up."""
        calls = shape[0] * shape[1] * (2 if workload == "stream" else 50)
        _, rate = self.segment(workload, shape, calls)
        _, rate = self.segment(workload, shape, max(calls, int(rate * seconds / 4)))
        return max(shape[0] * shape[1], int(rate * seconds))


def resolved(package):
    """The version of a package that the Swift peer is built with."""
    path = build.BENCHMARKS / "Peers" / "Swift" / "Package.resolved"
    if not path.exists():
        return None
    for pin in json.loads(path.read_text())["pins"]:
        if pin["identity"] == package:
            return pin["state"].get("version")
    return None


def main(arguments):
    options = parser("layer", __doc__)
    options.add_argument("--repeat", type=int, default=3, help="rounds over all servers")
    options.add_argument("--seconds", type=float, default=1.5, help="how long a segment takes")
    options.add_argument("--servers", default="module,grpc-swift,grpc-cpp",
                         help="which to measure, with commas between")
    options.add_argument("--workloads", default=",".join(WORKLOADS))
    options.add_argument("--module-server", type=pathlib.Path,
                         help="a ConformanceServer; built from this tree if not given")
    options = options.parse_args(arguments)
    names, workloads = options.servers.split(","), options.workloads.split(",")
    builders = {
        "module": lambda: options.module_server or build.module_server(),
        "grpc-swift": build.swift_peer, "grpc-cpp": build.cpp_peer}
    if set(names) - set(builders) or set(workloads) - set(WORKLOADS):
        raise SystemExit(f"there are {', '.join(builders)}, and {', '.join(WORKLOADS)}")

    generator = build.generator()
    programs = {name: [builders[name]()] for name in names}
    report = Report("layer")
    report.results["versions"].update({
        "grpc-swift-2": resolved("grpc-swift-2"),
        "grpc-swift-nio-transport": resolved("grpc-swift-nio-transport"),
        "grpc-cpp": package_version("libgrpc++-dev")})
    for workload in workloads:
        report.part(workload, measure, workload, programs, generator, options)
    return report.finish(options.json)


def measure(report, workload, programs, generator, options):
    figures = {}
    for shape in SHAPES:
        # Anew for each shape, and in turn within it: what a server keeps of one shape is not in
        # the next, and a slow minute of the machine meets all servers.
        segments = {name: [] for name in programs}
        with contextlib.ExitStack() as stack:
            contenders = {
                name: Contender(command, generator, stack) for name, command in programs.items()}
            calls = {name: contender.sized(workload, shape, options.seconds)
                     for name, contender in contenders.items()}
            for _ in range(options.repeat):
                for name, contender in contenders.items():
                    segments[name].append(contender.segment(workload, shape, calls[name])[0])
        figures[f"{shape[0]}x{shape[1]}"] = {
            name: medians(each) for name, each in segments.items()}
    report.add(workload, figures)

    unit = "messages/s" if workload == "stream" else "calls/s"
    rows = []
    for shape, servers in figures.items():
        for name, each in servers.items():
            rows.append([
                shape, name, each["cpu_us"], each["per_second"],
                each["cpu_us"] / servers["module"]["cpu_us"] if "module" in servers else "–",
                *([each["p50_us"], each["p99_us"]] if shape == "1x1" else ["", ""]),
                each["foreign_share"]])
    report.table(
        TITLES[workload],
        ["connections x streams", "server", "server CPU µs", unit, "CPU beside the module's",
         "p50 µs", "p99 µs", "others' share"], rows)
