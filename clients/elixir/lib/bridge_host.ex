defmodule BridgeHost do
  @moduledoc """
  A connection to a bridge-host.

      {:ok, bridge} = BridgeHost.start_link(address: "127.0.0.1:50051")
      session = BridgeHost.Session.open!(bridge, "experiment")
      BridgeHost.Variables.register!(session, "temperature", :float, 20.0)
      BridgeHost.Variables.put!(session, "temperature", 21.5)
      BridgeHost.Tools.execute!(session, "scale_variable", variable: "temperature", factor: 2)

  It belongs into a supervision tree:

      children = [{BridgeHost, name: MyApp.Bridge, address: "127.0.0.1:50051"}]

  The process connects when the first call needs it, and again after the connection was lost; a call
  meanwhile is an error with the code `:unavailable`. Calls run in the processes that make them, any
  number at once. Watches have connections of their own, with the same options.

  * `BridgeHost.Session` - sessions, which hold variables
  * `BridgeHost.Variables` - typed variables: register, read, write, compare and set
  * `BridgeHost.Watch` and `BridgeHost.Watcher` - the changes of variables, as a stream or as messages
  * `BridgeHost.Tools` - tools: run, stream, list
  * `BridgeHost.Snakepit` - the adapter with which Snakepit runs bridge-host as its worker
  """

  use GenServer

  alias BridgeHost.Error

  @typedoc "The process of a connection, or its name."
  @type t :: GenServer.server()

  @typedoc """
  * `:address` - `"HOST:PORT"`; 127.0.0.1:50051 if not said.
  * `:name` - registers the process.
  * `:token` - a bearer token that goes with every call.
  * `:tls` - options of Erlang's `:ssl`, such as `[cacertfile: "ca.pem", verify: :verify_peer]`;
    plaintext without them.
  * `:timeout` - milliseconds that a call may take, 30000 if not said; functions take their own.
  * `:transport` - a module with the behaviour `BridgeHost.Transport`.
  """
  @type option ::
          {:address, String.t()}
          | {:name, GenServer.name()}
          | {:token, String.t()}
          | {:tls, keyword()}
          | {:timeout, timeout()}
          | {:transport, module()}

  @default_address "127.0.0.1:50051"
  @default_timeout 30_000

  @doc "Starts the process of a connection. It does not wait for the host."
  @spec start_link([option()]) :: GenServer.on_start()
  def start_link(options \\ []) do
    GenServer.start_link(__MODULE__, options, Keyword.take(options, [:name]))
  end

  @doc "Closes the connection and ends its process."
  @spec stop(t()) :: :ok
  def stop(bridge), do: GenServer.stop(bridge)

  @doc """
  Calls the host, which answers with the text and its clock.

      {:ok, {"pong: hello", ~U[2026-01-31 12:00:00.000000Z]}} = BridgeHost.ping(bridge, "hello")
  """
  @spec ping(t(), String.t(), keyword()) ::
          {:ok, {String.t(), DateTime.t() | nil}} | {:error, Error.t()}
  def ping(bridge, text \\ "", options \\ []) do
    with {:ok, response} <- call(bridge, :ping, %{message: text}, options) do
      {:ok, {response.message, BridgeHost.Wire.time(response.server_time)}}
    end
  end

  # Of a caller's options only the timeout is the call's; metadata is what goes with it in gRPC.
  @doc false
  @spec call(t(), atom(), map(), keyword(), map()) :: {:ok, map()} | {:error, Error.t()}
  def call(bridge, rpc, request, options, metadata \\ %{}) do
    with {:ok, transport, channel, timeout} <- channel(bridge) do
      options = [timeout: Keyword.get(options, :timeout, timeout), metadata: metadata]
      channel |> transport.call(rpc, request, options) |> answer(bridge, channel)
    end
  end

  @doc false
  @spec stream(t(), atom(), map(), keyword(), map()) ::
          {:ok, Enumerable.t()} | {:error, Error.t()}
  def stream(bridge, rpc, request, options, metadata) do
    with {:ok, transport, channel, timeout} <- channel(bridge),
         options = [timeout: Keyword.get(options, :timeout, timeout), metadata: metadata],
         {:ok, elements} <-
           channel |> transport.stream(rpc, request, options) |> answer(bridge, channel) do
      {:ok, Stream.map(elements, &answer(&1, bridge, channel))}
    end
  end

  # How to connect to the same host, for a process with a connection of its own.
  @doc false
  @spec settings(t()) :: {module(), String.t(), keyword()}
  def settings(bridge), do: GenServer.call(bridge, :settings)

  defp answer({:lost, error}, bridge, channel) do
    GenServer.cast(bridge, {:lost, channel})
    {:error, error}
  end

  defp answer(answer, _bridge, _channel), do: answer

  defp channel(bridge), do: GenServer.call(bridge, :channel, :infinity)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)

    {:ok,
     %{
       transport: Keyword.get(options, :transport, BridgeHost.Transport.GRPC),
       address: Keyword.get(options, :address, @default_address),
       options: Keyword.take(options, [:token, :tls]),
       timeout: Keyword.get(options, :timeout, @default_timeout),
       channel: nil,
       probe: nil
     }}
  end

  @impl true
  def handle_call(:settings, _from, state) do
    {:reply, {state.transport, state.address, state.options}, state}
  end

  def handle_call(:channel, _from, %{channel: nil} = state) do
    case state.transport.connect(state.address, state.options) do
      {:ok, channel} ->
        {:reply, {:ok, state.transport, channel, state.timeout},
         %{state | channel: channel, probe: probe(state.transport, channel)}}

      {:error, error} ->
        {:reply, {:error, error}, state}
    end
  end

  def handle_call(:channel, _from, state) do
    {:reply, {:ok, state.transport, state.channel, state.timeout}, state}
  end

  @impl true
  def handle_cast({:lost, channel}, %{channel: channel} = state), do: {:noreply, drop(state)}
  def handle_cast({:lost, _earlier}, state), do: {:noreply, state}

  @impl true
  def handle_info({:EXIT, probe, {:shutdown, :lost}}, %{probe: probe} = state) do
    {:noreply, drop(%{state | probe: nil})}
  end

  def handle_info({:EXIT, probe, _reason}, %{probe: probe} = state) do
    {:noreply, %{state | probe: nil}}
  end

  # gRPC libraries tell whoever has connected about their connections.
  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state), do: drop(state)

  defp drop(%{channel: nil} = state), do: state

  defp drop(state) do
    if state.probe, do: Process.exit(state.probe, :kill)
    state.transport.disconnect(state.channel)
    %{state | channel: nil, probe: nil}
  end

  # A gRPC library may keep requests until a lost connection is there again. This process notices that it
  # is lost: its watch of the host's health ends with it.
  defp probe(transport, channel) do
    spawn_link(fn ->
      with {:ok, changes} <-
             transport.stream(channel, :watch_health, %{service: ""}, timeout: :infinity) do
        Enum.each(changes, fn
          {:lost, _error} -> exit({:shutdown, :lost})
          {:error, %Error{code: :unavailable}} -> exit({:shutdown, :lost})
          _ -> :ok
        end)
      else
        {:lost, _error} -> exit({:shutdown, :lost})
        {:error, _no_health_service} -> :ok
      end
    end)
  end
end
