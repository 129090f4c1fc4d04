defmodule BridgeHost.Test.PythonTransport do
  @moduledoc false
  # Calls by way of Python's grpcio, where Elixir has no gRPC library: `calls.py` in this folder makes them.
  # BRIDGE_PYTHON names a Python with grpcio, and PYTHONPATH the generated modules.

  @behaviour BridgeHost.Transport

  use GenServer

  alias BridgeHost.Error

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @impl BridgeHost.Transport
  def connect(address, options) do
    id = order(%{op: :connect, address: address, token: options[:token]})

    case answer(id) do
      %{kind: :ok} ->
        owner = self()

        spawn(fn ->
          monitor = Process.monitor(owner)

          receive do
            {:DOWN, ^monitor, :process, _, _} -> disconnect(id)
          end
        end)

        {:ok, id}

      %{kind: :refused, message: message} ->
        {:error, %Error{code: :unavailable, message: message}}
    end
  end

  @impl BridgeHost.Transport
  def disconnect(id), do: GenServer.cast(__MODULE__, {:order, %{op: :disconnect, id: id}, nil})

  @impl BridgeHost.Transport
  def call(channel, rpc, request, options) do
    case channel |> begin(rpc, request, options) |> answer() do
      %{kind: :ok, response: response} -> {:ok, response}
      failure -> failure(failure)
    end
  end

  @impl BridgeHost.Transport
  def stream(channel, rpc, request, options) do
    id = begin(channel, rpc, request, options)

    case answer(id) do
      %{kind: :begun} -> {:ok, Stream.unfold(id, &next/1)}
      failure -> failure(failure)
    end
  end

  defp next(nil), do: nil

  defp next(id) do
    case answer(id) do
      %{kind: :item, response: response} -> {{:ok, response}, id}
      %{kind: :done} -> nil
      failure -> {failure(failure), nil}
    end
  end

  defp begin(channel, rpc, request, options) do
    order(%{
      op: :call,
      channel: channel,
      rpc: rpc |> Atom.to_string() |> Macro.camelize(),
      request: request,
      timeout: Keyword.get(options, :timeout, :infinity),
      metadata: options[:metadata] || %{}
    })
  end

  defp failure(%{kind: kind} = failure) do
    {kind,
     %Error{
       code: Error.code(failure.code),
       message: failure.message,
       reason: failure.reason,
       metadata: failure.metadata
     }}
  end

  defp order(order) do
    id = :erlang.unique_integer([:positive])
    GenServer.cast(__MODULE__, {:order, Map.put(order, :id, id), self()})
    id
  end

  defp answer(id) do
    receive do
      {__MODULE__, ^id, answer} -> answer
    after
      60_000 -> raise "Python has not answered"
    end
  end

  @impl GenServer
  def init(nil) do
    python = System.get_env("BRIDGE_PYTHON") || raise "BRIDGE_PYTHON names a Python with grpcio"

    port =
      Port.open({:spawn_executable, python}, [
        :binary,
        :exit_status,
        packet: 4,
        args: [Path.expand("calls.py", __DIR__)]
      ])

    {:ok, %{port: port, callers: %{}}}
  end

  @impl GenServer
  def handle_cast({:order, order, caller}, state) do
    Port.command(state.port, :erlang.term_to_binary(order))

    callers = if caller, do: Map.put(state.callers, order.id, caller), else: state.callers
    {:noreply, %{state | callers: callers}}
  end

  @impl GenServer
  def handle_info({port, {:exit_status, status}}, %{port: port} = state),
    do: {:stop, {:python_ended, status}, state}

  def handle_info({port, {:data, data}}, %{port: port} = state) do
    answer = :erlang.binary_to_term(data)
    send(Map.fetch!(state.callers, answer.id), {__MODULE__, answer.id, answer})

    callers =
      if answer.kind in [:begun, :item],
        do: state.callers,
        else: Map.delete(state.callers, answer.id)

    {:noreply, %{state | callers: callers}}
  end
end
