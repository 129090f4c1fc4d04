defmodule BridgeHost.Snakepit do
  @moduledoc """
  The adapter with which Snakepit, 0.4 to 0.13, runs `bridge-host worker` in place of its Python worker.

      config :snakepit, adapter_module: BridgeHost.Snakepit

      config :bridge_host, :worker,
        executable: "/opt/bridge-host/bin/bridge-host",
        plugins: "/opt/bridge-host/plugins"

  Options of `:worker`:

  * `:executable` - the program; what `bridge-host` means in PATH if not said.
  * `:plugins` - the directory of plugins whose tools the workers offer.
  * `:args` - further arguments of `bridge-host worker`, a list of texts.

  A pool of its own plugins (Snakepit 0.6 and later) has `adapter_args`, which replace all arguments of this
  adapter:

      config :snakepit,
        pools: [
          %{name: :vision, pool_size: 2, adapter_module: BridgeHost.Snakepit,
            adapter_args: ["--plugins", "/opt/vision/plugins"]}
        ]

  `worker_args/1` makes such a list, in `config/runtime.exs`: `config/config.exs` is read before this package
  is compiled.

  ## Sessions

  A call works in the session of the worker that gets it, so the next one may find other variables. With
  Snakepit 0.6.11 and later `session_id` among a call's arguments chooses another session; the tool does
  not see it. To mean the same session in all workers, they use those of one host:

      config :bridge_host, :worker, args: ["--variables-from", "127.0.0.1:50051"]

      Snakepit.execute("scale_variable", %{session_id: "living-room", variable: "temperature", factor: 2})

  ## Versions

  One module serves all generations, since what differs is taken from the installed Snakepit: it makes the
  calls itself, by the functions of its own adapter, whatever number of arguments these have.

  ## Why `script_path/0` ends in grpc_server.py

  When a node has died without ending its workers, Snakepit ends them at its next start. It recognises
  them by `grpc_server.py` and the run's id in their command lines; without such an argument a worker that
  was left would stay. (A worker ends by itself when its standard input does, so little is left to find.)

  To bridge-host a first argument that ends in .py stands for the command `worker`. Snakepit starts
  it in the script's directory: so that is there, and the paths of `worker_args/1` are absolute.
  """

  # The adapter of the installed Snakepit, which makes the calls over gRPC.
  @calls Snakepit.Adapters.GRPCPython
  @compile {:no_warn_undefined, @calls}

  @doc "The program that Snakepit starts. Raises when there is none."
  @spec executable_path() :: String.t()
  def executable_path do
    Keyword.get(options(), :executable) || System.find_executable("bridge-host") ||
      raise "there is no bridge-host in PATH: set `config :bridge_host, :worker, executable: PATH`"
  end

  @doc "The first argument, by which Snakepit recognises its workers, and bridge-host that it is one."
  @spec script_path() :: String.t()
  def script_path, do: Application.app_dir(:bridge_host, "priv/snakepit/grpc_server.py")

  @doc "The further arguments, from the configuration."
  @spec script_args() :: [String.t()]
  def script_args, do: worker_args(options())

  @doc """
  The arguments of a worker with the options `:plugins` and `:args`.

      iex> BridgeHost.Snakepit.worker_args(plugins: "/opt/plugins", args: ["--tool-threads", "8"])
      ["--plugins", "/opt/plugins", "--tool-threads", "8"]
  """
  @spec worker_args(keyword()) :: [String.t()]
  def worker_args(options) do
    plugins =
      case Keyword.get(options, :plugins) do
        nil -> []
        directory -> ["--plugins", Path.expand(directory)]
      end

    plugins ++ Enum.map(Keyword.get(options, :args, []), &to_string/1)
  end

  @doc "Milliseconds that Snakepit gives a call, unless whoever calls says something else: as for Python."
  @spec command_timeout(String.t(), map()) :: timeout()
  def command_timeout(tool, args), do: apply(@calls, :command_timeout, [tool, args])

  @doc false
  def get_port, do: apply(@calls, :get_port, [])

  @doc false
  def grpc_available?, do: apply(@calls, :grpc_available?, [])

  @doc false
  def uses_grpc?, do: apply(@calls, :uses_grpc?, [])

  @doc false
  def init_grpc_connection(port), do: apply(@calls, :init_grpc_connection, [port])

  # Snakepit 0.4 to 0.6 pass no session; 0.6.11 and later do; 0.13 adds options.
  for count <- 3..6 do
    arguments = Macro.generate_arguments(count, __MODULE__)

    @doc false
    def grpc_execute(unquote_splicing(arguments)),
      do: apply(@calls, :grpc_execute, in_session(unquote(arguments)))
  end

  for count <- 4..7 do
    arguments = Macro.generate_arguments(count, __MODULE__)

    @doc false
    def grpc_execute_stream(unquote_splicing(arguments)),
      do: apply(@calls, :grpc_execute_stream, in_session(unquote(arguments)))
  end

  # The session of a call is the worker's own, unless the arguments say another.
  defp in_session([connection, session, tool, %{} = args | rest])
       when is_binary(session) and is_binary(tool) do
    {first, args} = Map.pop(args, :session_id)
    {second, args} = Map.pop(args, "session_id")
    [connection, first || second || session, tool, args | rest]
  end

  defp in_session(arguments), do: arguments

  # Snakepit 0.4 to 0.7 ask these too. Which tools there are, the worker knows.

  @doc false
  def supported_commands, do: []

  @doc false
  def validate_command(_tool, _args), do: :ok

  @doc false
  def prepare_args(_tool, args), do: args

  @doc false
  def process_response(_tool, response), do: {:ok, response}

  defp options, do: Application.get_env(:bridge_host, :worker, [])
end
