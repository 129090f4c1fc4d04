defmodule Snakepit.Adapters.GRPCPython do
  @moduledoc false
  # Stands for the adapter of the installed Snakepit: answers what it was asked.
  def get_port, do: 0
  def uses_grpc?, do: true
  def grpc_available?, do: true
  def init_grpc_connection(port), do: {:ok, port}
  def command_timeout(tool, _args), do: {:timeout, tool}

  for count <- 3..6 do
    arguments = Macro.generate_arguments(count, __MODULE__)
    def grpc_execute(unquote_splicing(arguments)), do: {:execute, unquote(arguments)}
  end

  for count <- 4..7 do
    arguments = Macro.generate_arguments(count, __MODULE__)
    def grpc_execute_stream(unquote_splicing(arguments)), do: {:stream, unquote(arguments)}
  end
end

defmodule BridgeHost.SnakepitTest do
  use ExUnit.Case, async: false

  alias BridgeHost.Snakepit, as: Adapter
  alias BridgeHost.Snakepit.Doctor

  doctest Adapter

  setup do
    on_exit(fn -> Application.delete_env(:bridge_host, :worker) end)
  end

  defp configure(options), do: Application.put_env(:bridge_host, :worker, options)

  test "the program comes from the configuration, or PATH" do
    configure(executable: "/bin/true")
    assert Adapter.executable_path() == "/bin/true"
    assert Doctor.ensure_python!() == :ok

    configure(executable: "/nowhere/bridge-host")
    assert_raise RuntimeError, ~r"/nowhere/bridge-host is no program", &Doctor.ensure_python!/0

    configure([])
    path = System.get_env("PATH")
    on_exit(fn -> System.put_env("PATH", path) end)
    directory = Path.join(System.tmp_dir!(), "bridge_host_#{System.unique_integer([:positive])}")
    File.mkdir_p!(directory)
    on_exit(fn -> File.rm_rf!(directory) end)
    System.put_env("PATH", directory)
    assert_raise RuntimeError, ~r/no bridge-host in PATH/, &Adapter.executable_path/0

    program = Path.join(directory, "bridge-host")
    File.ln_s!("/bin/true", program)
    assert Adapter.executable_path() == program
  end

  test "the script is there and has the name by which Snakepit finds its workers" do
    assert Path.basename(Adapter.script_path()) == "grpc_server.py"
    assert File.regular?(Adapter.script_path())
  end

  test "paths are absolute: Snakepit 0.4 starts workers in the script's directory" do
    configure(plugins: "plugins", args: [:a, 1])
    assert Adapter.script_args() == ["--plugins", Path.expand("plugins"), "a", "1"]
  end

  test "no argument makes Snakepit leave its own out" do
    # It looks for these anywhere in the arguments.
    configure(plugins: "/opt/plugins")

    for argument <- Adapter.script_args(),
        taken <- ["--port", "--elixir-address", "--max-workers"] do
      refute argument =~ taken
    end
  end

  test "calls are the installed Snakepit's, with as many arguments as it gives" do
    assert Adapter.get_port() == 0
    assert Adapter.uses_grpc?() and Adapter.grpc_available?()
    assert Adapter.init_grpc_connection(7) == {:ok, 7}
    assert Adapter.command_timeout("echo", %{}) == {:timeout, "echo"}
    for count <- 3..6, do: assert_passed(:grpc_execute, :execute, count)
    for count <- 4..7, do: assert_passed(:grpc_execute_stream, :stream, count)
  end

  defp assert_passed(function, name, count) do
    arguments = Enum.to_list(1..count)
    assert apply(Adapter, function, arguments) == {name, arguments}
  end

  test "session_id among the arguments is the call's session" do
    for args <- [%{:session_id => "s", "a" => 1}, %{"session_id" => "s", "a" => 1}] do
      assert Adapter.grpc_execute(:c, "own", "echo", args, 5) ==
               {:execute, [:c, "s", "echo", %{"a" => 1}, 5]}

      assert Adapter.grpc_execute(:c, "own", "echo", args, 5, []) ==
               {:execute, [:c, "s", "echo", %{"a" => 1}, 5, []]}

      assert Adapter.grpc_execute_stream(:c, "own", "echo", args, :f, 5) ==
               {:stream, [:c, "s", "echo", %{"a" => 1}, :f, 5]}

      # Before 0.6.11 there is no place for it.
      assert Adapter.grpc_execute(:c, "echo", args, 5) == {:execute, [:c, "echo", args, 5]}

      assert Adapter.grpc_execute_stream(:c, "echo", args, :f, 5) ==
               {:stream, [:c, "echo", args, :f, 5]}
    end

    assert Adapter.grpc_execute(:c, "own", "echo", %{a: 1}, 5) ==
             {:execute, [:c, "own", "echo", %{a: 1}, 5]}
  end

  test "what Snakepit 0.4 to 0.7 ask besides" do
    assert Adapter.supported_commands() == []
    assert Adapter.validate_command("anything", %{}) == :ok
    assert Adapter.prepare_args("echo", %{a: 1}) == %{a: 1}
    assert Adapter.process_response("echo", 1) == {:ok, 1}
  end
end
