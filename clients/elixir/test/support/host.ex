defmodule BridgeHost.Test.Host do
  @moduledoc false
  # A `bridge-host serve` of the tests. BRIDGE_HOST names the program, BRIDGE_PLUGINS the directory of the
  # example plugins.

  use GenServer

  alias BridgeHost.Test.PythonTransport

  def program, do: System.get_env("BRIDGE_HOST")

  # Options: listen, an address, and args. Answers the process; it ends with the test.
  def start_link(options \\ []), do: GenServer.start_link(__MODULE__, options)

  def address(host), do: GenServer.call(host, :address, 60_000)

  # Sends the host a signal, and waits for its end.
  def stop(host, signal), do: GenServer.call(host, {:stop, signal}, 60_000)

  # The transport that this machine has.
  def transport do
    if Code.ensure_loaded?(BridgeHost.Transport.GRPC),
      do: BridgeHost.Transport.GRPC,
      else: PythonTransport
  end

  # Each machine has all of 127/8: an address that nobody else uses can be listened on again.
  def own_address do
    [a, b, c] = for _ <- 1..3, do: :rand.uniform(256) - 1
    "127.#{rem(a, 100) + 100}.#{b}.#{rem(c, 254) + 1}:50051"
  end

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    listen = Keyword.get(options, :listen, "127.0.0.1:0")
    [ip, port] = String.split(listen, ":")

    arguments =
      ["serve", "--host", ip, "--port", port, "--plugins", System.fetch_env!("BRIDGE_PLUGINS")] ++
        Keyword.get(options, :args, [])

    # The shell ends the host when this process, or all of Erlang, is gone.
    script = ~S"""
    exec 3<&0
    "$@" </dev/null 2>"${BRIDGE_HOST_LOG:-/dev/null}" 3<&- &
    host=$!
    echo "PID:$host"
    { read -r _ <&3; kill -9 $host; } 2>/dev/null &
    wait $host 2>/dev/null
    kill $! 2>/dev/null
    """

    port =
      Port.open({:spawn_executable, "/bin/bash"}, [
        :binary,
        :exit_status,
        line: 1000,
        args: ["-c", script, "host", program() | arguments]
      ])

    {:ok, %{port: port, ip: ip, tcp: nil, pid: nil, waiting: nil}}
  end

  @impl true
  def handle_call(:address, from, %{tcp: nil} = state), do: {:noreply, %{state | waiting: from}}
  def handle_call(:address, _from, state), do: {:reply, "#{state.ip}:#{state.tcp}", state}

  def handle_call({:stop, signal}, from, state) do
    System.cmd("kill", ["-" <> signal, state.pid])
    {:noreply, %{state | waiting: from}}
  end

  @impl true
  def handle_info({port, {:data, {:eol, "PID:" <> pid}}}, %{port: port} = state),
    do: {:noreply, %{state | pid: pid}}

  def handle_info({port, {:data, {:eol, "GRPC_READY:" <> tcp}}}, %{port: port} = state) do
    if state.waiting, do: GenServer.reply(state.waiting, "#{state.ip}:#{tcp}")
    {:noreply, %{state | tcp: tcp, waiting: nil}}
  end

  def handle_info({port, {:exit_status, _}}, %{port: port} = state) do
    if state.waiting, do: GenServer.reply(state.waiting, :ended)
    {:stop, :normal, state}
  end

  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    if Port.info(state.port) do
      Port.close(state.port)
    end
  end
end
