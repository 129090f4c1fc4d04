defmodule BridgeHost.Tools do
  @moduledoc """
  The tools of a host: run, stream, list.

  Parameters are a map or keyword list. Terms travel as JSON; a `BridgeHost.Tensor` as its bytes, for
  parameters that are embeddings or tensors; `{:bytes, binary}` as bytes.

  A tool that fails is an error like any other: its code, message and metadata are the tool's, and the
  metadata has `"error_type"` and `"retryable"`.

  A call has a deadline, `:timeout` in milliseconds or `:infinity`. When it passes the host cancels the
  tool, and the error is `:deadline_exceeded`.
  """

  alias BridgeHost.{Error, JSON, Session, Tensor, Tool, Value, Wire}

  @typedoc "What a stream of a tool yields."
  @type event ::
          {:chunk, term()}
          | {:progress, float(), String.t()}
          | {:result, term()}
          | {:error, Error.t()}

  @doc """
  Runs a tool to its end. Answers its result, nil if it has none.

  Options: `:timeout`, and `:metadata`, a map of texts that the tool gets (`"correlation_id"` goes into the
  host's log).
  """
  @spec execute(Session.t(), String.t() | atom(), Enumerable.t(), keyword()) ::
          {:ok, term()} | {:error, Error.t()}
  def execute(%Session{} = session, tool, parameters \\ %{}, options \\ []) do
    request = request(session, tool, parameters, options)

    with {:ok, response} <-
           BridgeHost.call(session.bridge, :execute_tool, request, options, Wire.accept()) do
      if response.success do
        Value.decode(response.result, response.binary_result)
      else
        {:error, failure(response)}
      end
    end
  end

  @doc "Like `execute/4`, but raises `BridgeHost.Error`."
  @spec execute!(Session.t(), String.t() | atom(), Enumerable.t(), keyword()) :: term()
  def execute!(session, tool, parameters \\ %{}, options \\ []),
    do: Error.ok!(execute(session, tool, parameters, options))

  @doc """
  Runs a tool and streams what it emits, as the tool emits it.

  Elements are `{:chunk, term}`, `{:progress, from_0_to_1, text}` where `:progress` is true in the options,
  at the end `{:result, term}` if the tool has one; or, when it fails, `{:error, error}` as the last.
  A chunk is what its JSON says, or the bytes that the tool emitted.

  The stream is enumerated once, by the process that called. One that is left early runs on in the host
  until its deadline (`:timeout`, 5 minutes if not said), for Elixir's gRPC does not cancel it: a tool that
  may run for long wants a shorter one.
  """
  @spec stream(Session.t(), String.t() | atom(), Enumerable.t(), keyword()) ::
          {:ok, Enumerable.t()} | {:error, Error.t()}
  def stream(%Session{} = session, tool, parameters \\ %{}, options \\ []) do
    progress = Keyword.get(options, :progress, false)

    request =
      session
      |> request(tool, parameters, options)
      |> Map.merge(%{stream: true, include_progress: progress})

    options = Keyword.put_new(options, :timeout, 300_000)

    with {:ok, chunks} <-
           BridgeHost.stream(
             session.bridge,
             :execute_streaming_tool,
             request,
             options,
             Wire.accept()
           ) do
      {:ok, Stream.transform(chunks, {progress, nil}, &events/2)}
    end
  end

  @doc """
  Lists the tools that the session can call, by name: the host's, and those that clients serve in it.

  The session is created if it is not there.
  """
  @spec list(Session.t(), keyword()) ::
          {:ok, %{optional(String.t()) => Tool.t()}} | {:error, Error.t()}
  def list(%Session{} = session, options \\ []) do
    request = %{session_id: session.id}

    with {:ok, response} <-
           BridgeHost.call(session.bridge, :initialize_session, request, options) do
      {:ok, Map.new(response.available_tools, fn {name, spec} -> {name, Tool.read(spec)} end)}
    end
  end

  defp request(session, tool, parameters, options) do
    encoded = Map.new(parameters, fn {name, value} -> {to_string(name), parameter(value)} end)

    %{
      session_id: session.id,
      tool_name: to_string(tool),
      parameters: for({name, {any, _}} when any != nil <- encoded, into: %{}, do: {name, any}),
      binary_parameters:
        for({name, {_, binary}} when binary != nil <- encoded, into: %{}, do: {name, binary}),
      metadata: Wire.texts(Keyword.get(options, :metadata, %{}))
    }
  end

  defp parameter({:bytes, binary}), do: {nil, binary}
  defp parameter(%Tensor{} = tensor), do: Value.encode(tensor)
  defp parameter(value), do: {Value.json(value), nil}

  defp failure(response) do
    code =
      case Integer.parse(Map.get(response.metadata, "error_code", "")) do
        {number, ""} -> Error.code(number)
        _ -> :unknown
      end

    reason =
      case response.metadata do
        %{"error_type" => type} -> String.upcase(type)
        _ -> nil
      end

    %Error{
      code: code,
      message: response.error_message,
      reason: reason,
      metadata: response.metadata
    }
  end

  defp events({:ok, chunk}, {progress, last}) do
    now = {chunk.progress, chunk.progress_message}

    moved =
      if progress and chunk.progress != nil and now != last,
        do: [{:progress, chunk.progress, chunk.progress_message}],
        else: []

    {moved ++ data(chunk), {progress, now}}
  end

  defp events({_kind, %Error{} = error}, state), do: {[{:error, error}], state}

  defp data(%{data: ""}), do: []
  defp data(%{is_final: true, data: data}), do: [{:result, term(data)}]
  defp data(%{data: data}), do: [{:chunk, term(data)}]

  defp term(data) do
    case JSON.decode(data) do
      {:ok, term} -> term
      {:error, _} -> data
    end
  end
end
