defmodule BridgeHost.TestHost do
  @moduledoc """
  A host of plugins in memory, for tests of plugins: no server, no socket.

      host = start_supervised!({BridgeHost.TestHost, plugins: ["./libweather.so"]})
      TestHost.define!(host, "temperature", :float, 21.5)
      record = TestHost.call!(host, "forecast", days: 3)
      assert record["result"] == "warm"
      assert TestHost.get!(host, "temperature") == 22.0

  It is a process of Erlang with a `bridge-host test-host` behind it, which ends with it. Hosts know nothing of
  each other, so tests may be `async: true`. `BridgeHost.PluginCase` starts one for each test.

  Values are as in `BridgeHost.JSON`; a `BridgeHost.Tensor` is sent with its shape. `docs/testing.md` says what a
  record has, and what faults there are: `faults: [%{effect: "cancel", host_call: 3}]`.
  """

  use GenServer

  alias BridgeHost.{JSON, Tensor}

  defmodule Error do
    @moduledoc """
    The host could not do what it was asked for. A tool that fails is no such error: its record has an
    `"error"`.

    `kind` is `:loading`, `:calling`, `:still_running`, `:variable`, `:request`, or `:exit` where the program
    behind it has ended.
    """
    defexception [:kind, :message]

    @type t :: %__MODULE__{kind: atom(), message: String.t()}
  end

  @typedoc "What one call of a tool did; `docs/testing.md` lists its members."
  @type record :: %{String.t() => term()}

  @kinds ~w(loading calling still_running variable request)a
  # A plugin may be large, and a call waits as long as its `timeout` says.
  @patience :infinity

  @doc """
  Starts a host.

    * `:plugins` - paths of what is loaded, or pairs of a path and the plugin's configuration, a map
    * `:clock` - `:real`; `:sleeping`, which moves when a tool sleeps; or `:manual`, which moves by `advance!/2`
    * `:program` - the path of bridge-host; the environment variable BRIDGE_HOST, or the one of the search
      path, where it is left out
  """
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options \\ []), do: GenServer.start_link(__MODULE__, options)

  @doc """
  Makes a request of `docs/testing.md`: `request!(host, "stub", name: "other", result: 42)`.

  Raises `BridgeHost.TestHost.Error`.
  """
  @spec request!(GenServer.server(), String.t(), keyword() | map()) :: map()
  def request!(host, what, members \\ []) do
    members = for {key, value} <- members, value != nil, into: %{}, do: {key, value(value)}
    text = JSON.encode!(Map.put(members, :do, what))

    case GenServer.call(host, {:request, text}, @patience) do
      {:ok, %{"ok" => false, "error" => %{"kind" => kind, "message" => message}}} ->
        raise Error,
          kind: Enum.find(@kinds, :request, &(Atom.to_string(&1) == kind)),
          message: message

      {:ok, answer} ->
        answer

      {:error, message} ->
        raise Error, kind: :exit, message: message
    end
  end

  @doc "Loads a plugin or a manifest, and answers the names of its tools."
  @spec load!(GenServer.server(), Path.t(), map() | nil) :: [String.t()]
  def load!(host, path, configuration \\ nil) do
    request!(host, "load", path: path, configuration: configuration)["tools"]
  end

  @doc "Makes a variable of the session. `options`: `:constraints`, `:session`."
  @spec define!(GenServer.server(), String.t(), atom(), term(), keyword()) :: :ok
  def define!(host, name, type, value, options \\ []) do
    request!(host, "define", [name: name, type: Atom.to_string(type), value: value] ++ options)
    :ok
  end

  @doc "Writes a variable, as another client would while a tool watches it."
  @spec set!(GenServer.server(), String.t(), term(), keyword()) :: :ok
  def set!(host, name, value, options \\ []) do
    request!(host, "set", [name: name, value: value] ++ options)
    :ok
  end

  @doc "A variable's value."
  @spec get!(GenServer.server(), String.t(), keyword()) :: term()
  def get!(host, name, options \\ []) do
    request!(host, "get", [name: name] ++ options)["variable"]["value"]
  end

  @doc "The values of all variables, by their names."
  @spec variables!(GenServer.server(), keyword()) :: %{String.t() => term()}
  def variables!(host, options \\ []) do
    for variable <- request!(host, "variables", options)["variables"], into: %{} do
      {variable["name"], variable["value"]}
    end
  end

  @doc """
  Calls a tool and answers the record of the call.

  `options`: `:session`, `:deadline` and `:timeout` in nanoseconds, `:stream`, `:metadata`, `:faults`, `:trace`.
  """
  @spec call!(GenServer.server(), String.t(), keyword() | map(), keyword()) :: record()
  def call!(host, tool, arguments \\ [], options \\ []) do
    request!(host, "call", [tool: tool, arguments: Map.new(arguments)] ++ options)
  end

  @doc "Starts a call, for tests that do something while it runs; options as of `call!/4`."
  @spec start!(GenServer.server(), String.t(), keyword() | map(), keyword()) :: integer()
  def start!(host, tool, arguments \\ [], options \\ []) do
    request!(host, "start", [tool: tool, arguments: Map.new(arguments)] ++ options)["call"]
  end

  @doc "Waits for the end of a call that was started; once."
  @spec wait!(GenServer.server(), integer()) :: record()
  def wait!(host, call), do: request!(host, "wait", call: call)

  @doc "Cancels a call that was started."
  @spec cancel!(GenServer.server(), integer()) :: :ok
  def cancel!(host, call) do
    request!(host, "cancel", call: call)
    :ok
  end

  @doc "Moves the clock on by nanoseconds, and answers its time."
  @spec advance!(GenServer.server(), non_neg_integer()) :: non_neg_integer()
  def advance!(host, nanoseconds), do: request!(host, "advance", nanoseconds: nanoseconds)["now"]

  @doc "Waits until so many tools sleep by the host's clock."
  @spec wait_for_sleepers!(GenServer.server(), pos_integer()) :: :ok
  def wait_for_sleepers!(host, count \\ 1) do
    request!(host, "wait_for_sleepers", count: count)
    :ok
  end

  @doc "Rules of the ABI that were broken outside of calls, since this was asked last."
  @spec violations!(GenServer.server()) :: [map()]
  def violations!(host), do: request!(host, "violations")["violations"]

  defp value(%Tensor{} = tensor) do
    case tensor.shape do
      [_] -> Tensor.to_flat_list(tensor)
      shape -> %{shape: shape, data: Tensor.to_flat_list(tensor)}
    end
  end

  defp value(map) when is_map(map), do: Map.new(map, fn {key, member} -> {key, value(member)} end)
  defp value(list) when is_list(list), do: Enum.map(list, &value/1)
  defp value(other), do: other

  # The process

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)

    case program(options) do
      nil ->
        {:stop, {:no_program, "bridge-host is not found; set BRIDGE_HOST to its path"}}

      program ->
        settings = %{clock: Keyword.get(options, :clock, :real)}

        port =
          Port.open({:spawn_executable, program}, [
            :binary,
            :exit_status,
            line: 65_536,
            args: ["test-host", "--options", JSON.encode!(settings)]
          ])

        state = %{port: port, last: 0, waiting: %{}, part: []}
        load(Keyword.get(options, :plugins, []), state)
    end
  end

  defp program(options) do
    Keyword.get(options, :program) || System.get_env("BRIDGE_HOST") ||
      System.find_executable("bridge-host")
  end

  defp load([], state), do: {:ok, state}

  defp load([plugin | rest], state) do
    {path, configuration} = if is_tuple(plugin), do: plugin, else: {plugin, nil}
    members = if configuration, do: %{configuration: configuration}, else: %{}
    request = JSON.encode!(Map.merge(members, %{do: "load", path: path}))
    state = send_request(state, request, :load)

    case answer_to_load(state) do
      {%{"ok" => true}, state} -> load(rest, state)
      {%{"error" => error}, _} -> {:stop, {:loading, error["message"]}}
      {:exit, status} -> {:stop, {:exit, status}}
    end
  end

  # Nobody else asks for anything yet.
  defp answer_to_load(%{port: port} = state) do
    receive do
      {^port, {:data, data}} ->
        case line(state, data) do
          {nil, state} -> answer_to_load(state)
          {{:load, answer}, state} -> {answer, state}
        end

      {^port, {:exit_status, status}} ->
        {:exit, status}
    end
  end

  @impl true
  def handle_call({:request, _}, _, %{port: nil} = state) do
    {:reply, {:error, "the test host has ended"}, state}
  end

  def handle_call({:request, text}, from, state), do: {:noreply, send_request(state, text, from)}

  @impl true
  def handle_info({port, {:data, data}}, %{port: port} = state) do
    case line(state, data) do
      {nil, state} ->
        {:noreply, state}

      {{from, answer}, state} ->
        GenServer.reply(from, {:ok, answer})
        {:noreply, state}
    end
  end

  def handle_info({port, {:exit_status, status}}, %{port: port} = state) do
    # A plugin has taken the program with it: the tests that wait are told, others go on.
    message = "the test host has ended with status #{status}: a plugin has crashed it"
    for {_, from} <- state.waiting, do: GenServer.reply(from, {:error, message})
    {:noreply, %{state | port: nil, waiting: %{}}}
  end

  def handle_info(_, state), do: {:noreply, state}

  defp send_request(state, text, from) do
    number = state.last + 1
    Port.command(state.port, [Integer.to_string(number), " ", text, "\n"])
    %{state | last: number, waiting: Map.put(state.waiting, number, from)}
  end

  defp line(state, {:noeol, part}), do: {nil, %{state | part: [state.part, part]}}

  defp line(state, {:eol, part}) do
    text = IO.iodata_to_binary([state.part, part])
    [number, answer] = String.split(text, " ", parts: 2)
    {from, waiting} = Map.pop!(state.waiting, String.to_integer(number))
    {:ok, answer} = JSON.decode(answer)
    {{from, answer}, %{state | part: [], waiting: waiting}}
  end
end
