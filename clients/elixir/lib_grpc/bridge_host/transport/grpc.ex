defmodule BridgeHost.Transport.GRPC do
  @moduledoc """
  Calls by elixir-grpc over gun.

  elixir-grpc 0.9 to 1.0 differ in who owns a connection and in what they tell of errors; this module evens
  that out. Details of errors (`reason` and `metadata` of `BridgeHost.Error`) need 0.11.
  """

  @behaviour BridgeHost.Transport

  alias BridgeHost.Error
  alias BridgeHost.Proto.Google.Rpc.ErrorInfo
  alias BridgeHost.Proto.Grpc.Health.V1.{Health, HealthCheckRequest}
  alias BridgeHost.Proto.Snakepit.Bridge, as: Proto
  alias BridgeHost.Proto.Snakepit.Bridge.BridgeService

  @requests %{
    ping: Proto.PingRequest,
    initialize_session: Proto.InitializeSessionRequest,
    cleanup_session: Proto.CleanupSessionRequest,
    get_session: Proto.GetSessionRequest,
    heartbeat: Proto.HeartbeatRequest,
    register_variable: Proto.RegisterVariableRequest,
    get_variable: Proto.GetVariableRequest,
    set_variable: Proto.SetVariableRequest,
    get_variables: Proto.BatchGetVariablesRequest,
    set_variables: Proto.BatchSetVariablesRequest,
    list_variables: Proto.ListVariablesRequest,
    delete_variable: Proto.DeleteVariableRequest,
    execute_tool: Proto.ExecuteToolRequest,
    execute_streaming_tool: Proto.ExecuteToolRequest,
    watch_variables: Proto.WatchVariablesRequest,
    get_variable_history: Proto.GetVariableHistoryRequest,
    rollback_variable: Proto.RollbackVariableRequest,
    watch_health: HealthCheckRequest
  }

  @impl true
  def connect(address, options) do
    metadata =
      case options[:token] do
        nil -> []
        token -> [{"authorization", "Bearer " <> token}]
      end

    credentials =
      case options[:tls] do
        nil -> []
        ssl -> [cred: GRPC.Credential.new(ssl: ssl)]
      end

    # gun would connect again by itself, in its own time, and keep a connection that is closed for as long
    # as a watch runs on it.
    gun = [retry: 0, http2_opts: %{closing_timeout: 1}]

    options =
      [adapter: GRPC.Client.Adapters.Gun, adapter_opts: gun, headers: metadata] ++ credentials

    with {:ok, channel} <- guarded(fn -> GRPC.Stub.connect(address, options) end) do
      close_with(self(), channel)
      {:ok, channel}
    else
      {_kind, error} ->
        message = "cannot connect to #{address}: #{error.message}"
        {:error, %{error | code: :unavailable, message: message}}
    end
  end

  # The connection's own process is killed: asked to end, it would leave calls that were made after the
  # connection was lost to their deadlines.
  @impl true
  def disconnect(channel) do
    with pid when is_pid(pid) <- connection(channel), do: Process.exit(pid, :kill)
    _ = guarded(fn -> GRPC.Stub.disconnect(channel) end)
    :ok
  end

  # From elixir-grpc 0.10 on, a channel stands for others.
  defp connection(channel) do
    with true <- function_exported?(GRPC.Client.Connection, :pick_channel, 1),
         {:ok, picked} <- apply(GRPC.Client.Connection, :pick_channel, [channel]) do
      picked.adapter_payload.conn_pid
    else
      _ -> channel.adapter_payload[:conn_pid]
    end
  end

  @impl true
  def call(channel, rpc, request, options) do
    guarded(fn ->
      apply(stub(rpc), function(rpc), [channel, request(rpc, request), options(options)])
    end)
  end

  @impl true
  def stream(channel, rpc, request, options) do
    with {:ok, responses} <- call(channel, rpc, request, options) do
      {:ok, Stream.map(responses, &answer/1)}
    end
  end

  # Connections of elixir-grpc outlive whoever has made them, from 0.10 on.
  defp close_with(owner, channel) do
    spawn(fn ->
      monitor = Process.monitor(owner)

      receive do
        {:DOWN, ^monitor, :process, ^owner, _reason} -> disconnect(channel)
      end
    end)
  end

  defp stub(:watch_health), do: Health.Stub
  defp stub(_rpc), do: BridgeService.Stub

  defp function(:watch_health), do: :watch
  defp function(rpc), do: rpc

  defp options(options) do
    [timeout: Keyword.get(options, :timeout, :infinity), metadata: options[:metadata] || %{}]
  end

  defp request(rpc, fields) do
    struct!(Map.fetch!(@requests, rpc), Map.new(fields, fn {k, v} -> {k, field(k, v)} end))
  end

  defp field(:config, fields), do: struct!(Proto.SessionConfig, fields)
  defp field(_name, %{type_url: _, value: _} = any), do: struct!(Google.Protobuf.Any, any)

  defp field(_name, %{} = map) when not is_struct(map),
    do: Map.new(map, fn {key, value} -> {key, field(nil, value)} end)

  defp field(_name, value), do: value

  # Runs something of the library, whose processes may be gone.
  defp guarded(run) do
    answer(run.())
  catch
    :exit, reason -> lost("the connection is gone: #{inspect(reason)}")
  end

  defp answer({:ok, response}), do: {:ok, response}

  defp answer({:error, %GRPC.RPCError{} = error}) do
    message = error.message || ""
    code = Error.code(error.status)

    if connection?(code, message) do
      lost(message)
    else
      {reason, metadata} = details(error)
      {:error, %Error{code: code, message: message, reason: reason, metadata: metadata}}
    end
  end

  defp answer({:error, reason}) when is_binary(reason), do: lost(reason)
  defp answer({:error, reason}), do: lost(inspect(reason))

  # The library makes a status of what gun says of a connection; its text begins with an atom's name.
  defp connection?(code, message) when code in [:unknown, :internal] do
    String.starts_with?(message, ":") or String.starts_with?(message, "unexpected m")
  end

  defp connection?(_code, _message), do: false

  defp lost(message), do: {:lost, %Error{code: :unavailable, message: message}}

  # Before 0.11 an error has none.
  defp details(error) do
    Enum.find_value(Map.get(error, :details) || [], {nil, %{}}, fn
      %{type_url: "type.googleapis.com/google.rpc.ErrorInfo", value: bytes} ->
        info = ErrorInfo.decode(bytes)
        {info.reason, info.metadata}

      _ ->
        nil
    end)
  end
end
