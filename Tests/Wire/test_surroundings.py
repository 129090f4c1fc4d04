"""What surrounds the host: its descriptors and who reads them, its directory, its signals, its files.

Nothing of it may stop the host, end it, or mean something else later."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest

import bridge
from bridge import CALL_TIMEOUT, CODE, Session, eventually, refused, run_host, start_host, unique
from stubs import REPOSITORY, pb, rpc

SOURCE = pathlib.Path(__file__).parent / "intruder.c"


@pytest.fixture(scope="module")
def intruder(tmp_path_factory):
    """A plugin directory with the intruder."""
    directory = tmp_path_factory.mktemp("plugins")
    os.chmod(directory, 0o755)
    include = REPOSITORY / "Sources/BridgePluginABI/include"
    library = directory / "intruder.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", f"-I{include}", "-o", library, SOURCE], check=True)
    os.chmod(library, 0o755)
    return directory


def initialize(stub):
    stub.InitializeSession(
        pb.InitializeSessionRequest(session_id=unique()), timeout=CALL_TIMEOUT)


# ---------------------------------------------------------------------------------------------
# Standard output and error


@pytest.fixture
def unread(intruder):
    """A host whose output nobody reads after the ready line."""
    process = subprocess.Popen(
        [str(bridge.HOST), "serve", "--port", "0", "--plugins", str(intruder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        ready = process.stdout.readline().decode()
        assert ready.startswith("GRPC_READY:"), ready
        process.target = f"127.0.0.1:{int(ready.removeprefix('GRPC_READY:'))}"
        yield process
    finally:
        process.kill()
        process.communicate()


def stub_of(process):
    return rpc.BridgeServiceStub(bridge.grpc.insecure_channel(process.target))


def test_a_log_that_nobody_reads_stops_nothing(unread):
    stub = stub_of(unread)
    # Each is a line of more than 60 bytes; the pipe takes 64 KiB, and 1 MiB may wait.
    for _ in range(2000):
        initialize(stub)
    unread.send_signal(signal.SIGTERM)
    assert unread.wait(bridge.EXIT_TIMEOUT) == 0


def test_what_is_lost_of_a_log_is_said(unread):
    stub = stub_of(unread)
    name = unique() + "x" * 200
    for number in range(6000):
        stub.InitializeSession(
            pb.InitializeSessionRequest(session_id=f"{name}{number}"), timeout=CALL_TIMEOUT)
    # Now somebody reads.
    text = b""
    while b"log lines were lost" not in text:
        text += os.read(unread.stderr.fileno(), 1 << 16)
    line = next(line for line in text.decode().splitlines() if "log lines were lost" in line)
    lost = int(line.rpartition("count=")[2])
    assert lost + text.count(b"session created") >= 5900


def test_what_tools_print_stops_nothing(unread):
    stub = stub_of(unread)
    session = Session(stub)
    for _ in range(3):
        assert session.result("print_much") == "done"
    initialize(stub)
    unread.send_signal(signal.SIGTERM)
    assert unread.wait(bridge.EXIT_TIMEOUT) == 0


def test_the_ready_line_is_alone(intruder):
    with start_host("--isolation", "in-process", plugins=intruder) as host:
        assert Session(host.stub()).result("print_much") == "done"
        assert host.stdout_lines == [f"GRPC_READY:{host.port}"]
        eventually(lambda: "loading without" in host.stderr_text(), "the plugin's own output")


def test_closed_descriptors_are_not_taken_by_files(intruder, tmp_path):
    """Otherwise what is printed would go into the first file that is opened."""
    os.chmod(tmp_path, 0o755)
    state = tmp_path / "state"
    process = subprocess.Popen(
        [str(bridge.HOST), "serve", "--listen", f"unix:{tmp_path}/s", "--state", str(state),
         "--plugins", str(intruder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2))
    try:
        assert process.stdout.readline().startswith(b"GRPC_READY:")
        for number in (0, 1, 2):
            target = os.readlink(f"/proc/{process.pid}/fd/{number}")
            assert target == "/dev/null" or target.startswith("pipe:"), target
    finally:
        process.terminate()
        assert process.wait(bridge.EXIT_TIMEOUT) == 0


def test_inherited_descriptors_are_closed():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    os.set_inheritable(listener.fileno(), True)
    process = subprocess.Popen(
        [str(bridge.HOST), "serve", "--port", "0"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[listener.fileno()])
    try:
        assert process.stdout.readline().startswith(b"GRPC_READY:")
        inode = os.fstat(listener.fileno()).st_ino
        held = [os.readlink(path) for path in pathlib.Path(f"/proc/{process.pid}/fd").iterdir()]
        assert f"socket:[{inode}]" not in held
    finally:
        process.terminate()
        process.wait(bridge.EXIT_TIMEOUT)


# ---------------------------------------------------------------------------------------------
# The working directory and signals


def test_relative_paths_are_those_of_the_start(intruder, tmp_path):
    os.chmod(tmp_path, 0o755)
    (tmp_path / "tokens").write_text("sekrit\n")
    os.chmod(tmp_path / "tokens", 0o600)
    process = subprocess.Popen(
        [str(bridge.HOST), "serve", "--port", "0", "--plugins", str(intruder), "--token-file",
         "tokens", "--state", "state", "--listen", "unix:socket", "--log-level", "error"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        port = int(process.stdout.readline().decode().removeprefix("GRPC_READY:"))
        channel = bridge.grpc.insecure_channel(f"127.0.0.1:{port}")
        stub = rpc.BridgeServiceStub(channel)

        def call(token):
            return stub.Ping(
                pb.PingRequest(), timeout=CALL_TIMEOUT,
                metadata=[("authorization", f"Bearer {token}")])


        def is_back():
            stub.ExecuteTool(
                pb.ExecuteToolRequest(session_id="s", tool_name="leave_directory"),
                timeout=CALL_TIMEOUT, metadata=[("authorization", "Bearer sekrit")])
            return os.readlink(f"/proc/{process.pid}/cwd") == str(tmp_path)

        eventually(is_back, "the host is in its directory again")
        # A token that is added is found, so the file is still that of the start.
        (tmp_path / "tokens").write_text("sekrit\nother\n")

        def is_let_in():
            try:
                return call("other")
            except bridge.grpc.RpcError as error:
                assert error.code() == CODE.UNAUTHENTICATED
                return None

        eventually(is_let_in, "the new token")
    finally:
        process.terminate()
        _, log = process.communicate(timeout=bridge.EXIT_TIMEOUT)
    assert process.returncode == 0
    # The socket's file is found again at the end, and the state where it was.
    assert not (tmp_path / "socket").exists()
    assert (tmp_path / "state").is_dir()
    assert b"error" not in log


def blocked_signals(pid):
    """For each thread of a process, the signals that it blocks."""
    masks = []
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        line = next(line for line in status.read_text().splitlines() if line.startswith("SigBlk"))
        masks.append(int(line.split()[1], 16))
    return masks


def test_sigpipe_cannot_come_back(intruder):
    with start_host("--isolation", "in-process", plugins=intruder) as host:
        session = Session(host.stub())

        def is_taken_away_again():
            # The host looks after calls, but not after each of many.
            assert session.result("give_sigpipe_back") == "done"
            status = pathlib.Path(f"/proc/{host.process.pid}/status").read_text()
            return int(status.split("SigIgn:")[1].split()[0], 16) >> (signal.SIGPIPE - 1) & 1

        eventually(is_taken_away_again, "SIGPIPE is ignored again")
        masks = blocked_signals(host.process.pid)
        assert all(mask >> (signal.SIGPIPE - 1) & 1 for mask in masks)
        # Clients that are gone while much waits for them.
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", host.port)) as client:
                client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        initialize(host.stub())


# ---------------------------------------------------------------------------------------------
# Files


def test_options_come_from_a_file(tmp_path):
    os.chmod(tmp_path, 0o755)
    file = tmp_path / "bridge-host.conf"
    file.write_text(
        "# A comment.\nlog-format = json\nmax-variables = 1\nauto-create-sessions = false\n"
        "reflection = false\n")
    os.chmod(file, 0o644)
    with start_host("--config", file) as host:
        eventually(lambda: host.stderr_text().startswith("{"), "it is logged")
        stub = host.stub()
        with refused(CODE.NOT_FOUND):
            Session(stub, create=False).register("a")
        session = Session(stub)
        session.register("a")
        with refused(CODE.RESOURCE_EXHAUSTED):
            session.register("b")
    # The command line counts instead.
    with start_host("--config", file, "--max-variables", "2", "--log-format", "text") as host:
        assert not host.stderr_text().startswith("{")
        session = Session(host.stub())
        session.register("a")
        session.register("b")


@pytest.mark.parametrize("text, part", [
    ("prot = 1\n", "line 1: Unknown option '--prot'"),
    ("port = 1\ngrace = soon\n", "line 2: The value 'soon' is invalid"),
    ("port\n", "line 1: this is not"),
])
def test_a_wrong_line_of_the_file_is_named(tmp_path, text, part):
    os.chmod(tmp_path, 0o755)
    file = tmp_path / "bridge-host.conf"
    file.write_text(text)
    os.chmod(file, 0o644)
    done = run_host("serve", "--config", file)
    assert done.returncode in (1, 64)
    assert f"{file}, {part}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_of_options_that_others_can_write_is_not_used(tmp_path):
    os.chmod(tmp_path, 0o755)
    file = tmp_path / "bridge-host.conf"
    file.write_text("port = 0\n")
    os.chmod(file, 0o666)
    done = run_host("serve", "--config", file)
    assert done.returncode == 1
    assert "can be written by others" in done.stderr


def test_a_token_is_not_sent_to_a_socket_of_others(tmp_path):
    """Whoever can put a socket into the place of the host's would read the token."""
    os.chmod(tmp_path, 0o755)
    tokens = tmp_path / "tokens"
    tokens.write_text("sekrit\n")
    os.chmod(tokens, 0o600)
    directory = tmp_path / "run"
    directory.mkdir()
    path = directory / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(2)
        arguments = [
            "ping", "--address", f"unix:{path}", "--token-file", tokens, "--timeout", "1"]
        os.chmod(directory, 0o777)
        done = run_host(*arguments)
        assert done.returncode == 1
        assert "the token is not sent" in done.stderr and "can be written by others" in done.stderr
        with pytest.raises(TimeoutError):
            listener.accept()
        os.chmod(directory, 0o755)
        assert "the token is not sent" not in run_host(*arguments).stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_token_is_not_sent_to_a_host_of_others(tmp_path):
    """The path is as it should be, but who listens there is somebody else."""
    os.chmod(tmp_path, 0o755)
    tokens = tmp_path / "tokens"
    tokens.write_text("sekrit\n")
    os.chmod(tokens, 0o600)
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        # The system remembers who called listen(2).
        os.seteuid(65534)
        try:
            listener.listen()
        finally:
            os.seteuid(0)
        listener.settimeout(10)
        done = run_host(
            "ping", "--address", f"unix:{path}", "--token-file", tokens, "--timeout", "1")
        assert done.returncode == 1
        assert "65534" in done.stderr and "neither this user nor root" in done.stderr
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(10)
            assert accepted.recv(1) == b""


def test_what_is_seldom_meant_is_warned_of(tmp_path, intruder):
    with start_host(plugins=intruder) as host:
        # The log is written on its own thread. The warning of tools is later than that of root.
        eventually(
            lambda: "every user of this machine can run tools" in host.stderr_text(), "it is logged")
        assert ("running as root" in host.stderr_text()) == (os.geteuid() == 0)
    os.chmod(tmp_path, 0o755)
    tokens = tmp_path / "tokens"
    tokens.write_text("sekrit\n")
    os.chmod(tokens, 0o600)
    with start_host("--token-file", tokens, plugins=intruder) as host:
        eventually(lambda: "serving" in host.stderr_text(), "it serves")
        assert "every user of this machine" not in host.stderr_text()
    empty = tmp_path / "empty"
    empty.mkdir()
    with start_host(plugins=empty) as host:
        eventually(lambda: "serving" in host.stderr_text(), "it serves")
        assert "every user of this machine" not in host.stderr_text()


def test_refused_tokens_are_logged_but_not_all(tmp_path):
    os.chmod(tmp_path, 0o755)
    tokens = tmp_path / "tokens"
    tokens.write_text("sekrit\n")
    os.chmod(tokens, 0o600)
    with start_host("--token-file", tokens) as host:
        stub = host.stub()
        for number in range(50):
            with pytest.raises(bridge.grpc.RpcError):
                stub.Ping(
                    pb.PingRequest(), timeout=CALL_TIMEOUT,
                    metadata=[("authorization", f"Bearer wrong{number}")])
        lines = [line for line in host.stderr_text().splitlines() if "call refused" in line]
        assert 1 <= len(lines) <= 10
        assert "peer=ipv4:127.0.0.1:" in lines[0] and "Ping" in lines[0]
        assert "wrong0" not in host.stderr_text() and "sekrit" not in host.stderr_text()


def test_calls_are_logged_at_level_debug():
    with start_host("--log-level", "debug") as host:
        host.stub().Ping(pb.PingRequest(message="x" * 10), timeout=CALL_TIMEOUT)
        line = eventually(
            lambda: next((line for line in host.stderr_text().splitlines()
                          if " debug call " in line and "/Ping" in line), None), "the line")
    assert "status=OK" in line and "request_bytes=12" in line and "peer=ipv4:" in line
    with start_host("--log-level", "info") as host:
        host.stub().Ping(pb.PingRequest(), timeout=CALL_TIMEOUT)
        assert "debug" not in host.stderr_text()


def test_the_program_is_bound_at_its_start():
    """The search path is for builds only: Scripts/install removes it, and checks the rest as well."""
    done = subprocess.run(
        ["Scripts/install", "--check", bridge.HOST], cwd=REPOSITORY, capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "looks for libraries" not in line]
    assert complaints == []


# ---------------------------------------------------------------------------------------------
# Plugins that end the process


def test_a_plugins_own_thread_ends_the_host_in_order(intruder, tmp_path):
    """What was written is stored, and the log says whose thread it was."""
    state = tmp_path / "state"
    options = [
        "--state", state, "--durability", "interval", "--flush-interval-ms", 60_000,
        "--isolation", "in-process"]
    host = bridge.Host(*options, plugins=intruder)
    try:
        session = Session(host.stub())
        session.register("v", value=1.0)
        # A tool that does so on the host's own thread ends its call alone.
        answer = session.call("exit_here")
        assert not answer.success
        assert "exit_here called exit, which is not to end the host" in answer.error_message
        session.set("v", 2.0)
        # Kept: without its future the call is cancelled.
        call = session.stub.ExecuteTool.future(
            session.tool_request("exit_elsewhere"), timeout=CALL_TIMEOUT)
        assert host.process.wait(bridge.EXIT_TIMEOUT) == 1
        call.cancel()
        eventually(
            lambda: "a thread of a plugin's own ends the host" in host.stderr_text(), "it is logged")
        eventually(lambda: "intruder" in host.stderr_text(), "it is logged")
    finally:
        host.kill()
    with start_host("--state", state) as again:
        assert bridge.value_of(session.through(again.stub()).get("v")) == 2.0
