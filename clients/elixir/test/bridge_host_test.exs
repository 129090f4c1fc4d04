defmodule BridgeHostTest do
  use ExUnit.Case, async: true

  import BridgeHost.Test.FakeTransport, only: [reply: 2, emit: 2, caller: 1]

  alias BridgeHost.{Error, Session, Tools, Variables}
  alias BridgeHost.Test.{FakeTransport, Messages}

  setup do
    bridge =
      start_supervised!(
        {BridgeHost,
         transport: FakeTransport, address: FakeTransport.address(), tls: [verify: :verify_peer]}
      )

    {:ok, bridge: bridge, session: %Session{bridge: bridge, id: "s"}}
  end

  defp connected do
    assert_receive {:connect, connection, options}
    reply(connection, :ok)
    assert_receive {:stream, probe, :watch_health, %{service: ""}}
    {probe, options}
  end

  # Makes a call in a process of its own; the test answers it.
  defp during(call, answer) do
    task = Task.async(call)
    assert_receive {:call, from, rpc, request}
    reply(from, answer)
    {Task.await(task), rpc, request}
  end

  defp ping(bridge), do: Task.async(fn -> BridgeHost.ping(bridge, "hi") end)

  defp pong, do: {:ok, %{message: "pong: hi", server_time: %{seconds: 0, nanos: 1_000}}}

  test "connects when the first call needs it, once", %{bridge: bridge} do
    refute_received {:connect, _, _}
    first = ping(bridge)
    {_, options} = connected()
    assert options == [tls: [verify: :verify_peer]]
    assert_receive {:call, call, :ping, %{message: "hi"}}
    reply(call, pong())
    assert Task.await(first) == {:ok, {"pong: hi", ~U[1970-01-01 00:00:00.000001Z]}}

    {_, :ping, _} = during(fn -> BridgeHost.ping(bridge, "hi") end, pong())
    refute_received {:connect, _, _}
  end

  test "says that it cannot connect, and tries again at the next call", %{bridge: bridge} do
    first = ping(bridge)
    assert_receive {:connect, connection, _}
    reply(connection, {:error, %Error{code: :unavailable, message: "refused"}})
    assert {:error, %Error{message: "refused"}} = Task.await(first)

    second = ping(bridge)
    connected()
    assert_receive {:call, call, :ping, _}
    reply(call, pong())
    assert {:ok, _} = Task.await(second)
  end

  test "connects anew after a call has lost the connection", %{bridge: bridge} do
    first = ping(bridge)
    connected()
    assert_receive {:call, call, :ping, _}
    reply(call, {:lost, %Error{code: :unavailable, message: "cut"}})
    assert {:error, %Error{code: :unavailable, message: "cut"}} = Task.await(first)
    assert_receive {:disconnect, _}

    _second = ping(bridge)
    connected()
  end

  test "notices without a call that the connection is lost", %{bridge: bridge} do
    for ending <- [{:lost, %Error{code: :unavailable}}, {:error, %Error{code: :unavailable}}] do
      first = ping(bridge)
      {probe, _} = connected()
      assert_receive {:call, call, :ping, _}
      reply(call, pong())
      assert {:ok, _} = Task.await(first)

      emit(probe, {:ok, :begun})
      emit(probe, {:ok, %{status: :SERVING}})
      emit(probe, ending)
      assert_receive {:disconnect, _}
    end
  end

  test "does without a host's health", %{bridge: bridge} do
    _first = ping(bridge)
    {probe, _} = connected()
    monitor = Process.monitor(caller(probe))
    emit(probe, {:error, %Error{code: :unimplemented}})
    assert_receive {:DOWN, ^monitor, _, _, _}
    :sys.get_state(bridge)
    refute_received {:disconnect, _}
  end

  test "closes its connection when it ends", %{bridge: bridge} do
    _first = ping(bridge)
    connected()
    BridgeHost.stop(bridge)
    assert_receive {:disconnect, _}
  end

  test "a status is an error and leaves the connection alone", %{session: session, bridge: bridge} do
    first = ping(bridge)
    connected()
    assert_receive {:call, call, :ping, _}
    reply(call, pong())
    Task.await(first)

    {answer, :get_variable, %{session_id: "s", variable_identifier: "x"}} =
      during(fn -> Variables.get(session, :x) end, {:error, %Error{code: :not_found, message: "x"}})

    assert answer == {:error, %Error{code: :not_found, message: "x"}}
    :sys.get_state(bridge)
    refute_received {:disconnect, _}
  end

  describe "calls" do
    setup %{bridge: bridge} do
      first = ping(bridge)
      connected()
      assert_receive {:call, call, :ping, _}
      reply(call, pong())
      Task.await(first)
      :ok
    end

    test "update tries again when another writer came between", %{session: session} do
      task = Task.async(fn -> Variables.update(session, "x", &(&1 + 10)) end)
      one = %{variable: Messages.variable(version: 1)}
      two = %{variable: Messages.variable(version: 2, value: %{type_url: "", value: "2"})}

      assert_receive {:call, call, :get_variable, _}
      reply(call, {:ok, one})
      assert_receive {:call, call, :set_variable, %{expected_version: 1} = request}
      assert %{variable_identifier: "var_x_1", value: %{value: "11"}} = request
      reply(call, {:error, %Error{code: :aborted}})
      assert_receive {:call, call, :get_variable, _}
      reply(call, {:ok, two})
      assert_receive {:call, call, :set_variable, %{expected_version: 2, value: %{value: "12"}}}
      reply(call, {:ok, %{new_version: 3}})
      assert Task.await(task) == {:ok, 12}
    end

    test "a tool that fails is an error with what the tool says", %{session: session} do
      metadata = %{"error_code" => "9", "error_type" => "busy", "retryable" => "true"}
      failed = %{success: false, error_message: "in use", metadata: metadata}

      {answer, :execute_tool, request} =
        during(
          fn -> Tools.execute(session, :lock, what: "it", data: {:bytes, <<1>>}) end,
          {:ok, failed}
        )

      assert answer ==
               {:error,
                %Error{
                  code: :failed_precondition,
                  message: "in use",
                  reason: "BUSY",
                  metadata: metadata
                }}

      assert request.parameters["what"].value == ~s("it")
      assert request.binary_parameters == %{"data" => <<1>>}
      refute Map.has_key?(request.parameters, "data")
    end

    test "functions with ! raise", %{session: session} do
      error = %Error{code: :not_found, message: "x"}
      task = Task.async(fn -> catch_error(Variables.get!(session, "x")) end)
      assert_receive {:call, call, :get_variable, _}
      reply(call, {:error, error})
      assert Task.await(task) == error
    end
  end
end
