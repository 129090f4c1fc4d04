defmodule BridgeHost.TestHostTest do
  use BridgeHost.PluginCase,
    async: true,
    plugins: [Path.join(System.get_env("BRIDGE_PLUGINS") || ".", "libExampleTools.so")]

  alias BridgeHost.Tensor

  @moduletag :host

  test "a call and its record", %{host: host} do
    TestHost.define!(host, "temperature", :float, 21.5)
    record = TestHost.call!(host, "scale_variable", variable: "temperature", factor: 2)
    assert record["ok"] and record["result"] == 43.0 and record["violations"] == []
    assert TestHost.get!(host, "temperature") == 43.0
    assert TestHost.variables!(host) == %{"temperature" => 43.0}

    assert [%{"status" => "OK"}] =
             Enum.filter(record["trace"], &(&1["function"] == "variables.set"))
  end

  test "what fails", %{host: host} do
    record = TestHost.call!(host, "scale_variable", %{variable: "nothing", factor: 2})
    assert record["error"]["status"] == "NOT_FOUND"

    assert %TestHost.Error{kind: :calling} = catch_error(TestHost.call!(host, "echo", texts: "x"))

    assert %TestHost.Error{kind: :variable} = catch_error(TestHost.get!(host, "nothing"))
    assert %TestHost.Error{kind: :loading} = catch_error(TestHost.load!(host, "/nowhere.so"))
    assert {:error, {:loading, message}} = GenServer.start(TestHost, plugins: ["/nowhere.so"])
    assert message =~ "/nowhere.so"
  end

  test "a test writes while a tool watches", %{host: host} do
    call = TestHost.start!(host, "wait_for_variable", variable: "level", target: 3.0)
    TestHost.define!(host, "level", :float, 1.0)
    TestHost.set!(host, "level", 7.0)
    assert TestHost.wait!(host, call)["result"] == 7.0

    call = TestHost.start!(host, "wait_for_variable", variable: "level", target: 9.0)
    TestHost.cancel!(host, call)
    assert TestHost.wait!(host, call)["error"]["status"] == "CANCELLED"
  end

  @tag clock: :sleeping
  test "hours pass in no time", %{host: host} do
    record = TestHost.call!(host, "countdown", from: 61, interval_ms: 60_000)
    assert record["chunks"] == Enum.to_list(61..1//-1)
    assert TestHost.advance!(host, 0) == 3_600_000_000_000
  end

  @tag clock: :manual
  test "a clock that the test moves", %{host: host} do
    call = TestHost.start!(host, "countdown", from: 2, interval_ms: 1000)
    TestHost.wait_for_sleepers!(host)
    assert TestHost.request!(host, "poll", call: call)["chunks"] == [2]
    TestHost.advance!(host, 1_000_000_000)
    assert TestHost.wait!(host, call)["result"] == 2
  end

  test "what goes wrong where the test says so", %{host: host} do
    faults = [%{effect: "fail", function: "call.emit", use: 2, status: "UNAVAILABLE"}]
    record = TestHost.call!(host, "countdown", [from: 3], faults: faults)
    assert record["error"]["status"] == "UNAVAILABLE" and record["chunks"] == [3]
  end

  test "tensors and large texts", %{host: host} do
    TestHost.define!(host, "t", :tensor, Tensor.new([[1, 2], [3, 4]]))
    assert TestHost.get!(host, "t") == %{"shape" => [2, 2], "data" => [1, 2, 3, 4]}
    # Longer than what a port hands over at once.
    text = String.duplicate("ü", 200_000)
    assert TestHost.call!(host, "echo", [text: text], trace: false)["result"] == text
  end

  test "many at once", %{host: host} do
    tasks = for n <- 1..50, do: Task.async(fn -> TestHost.call!(host, "echo", text: "#{n}") end)
    assert Enum.map(Task.await_many(tasks), & &1["result"]) == Enum.map(1..50, &"#{&1}")
  end

  test "a plugin that ends the host fails what waits", %{host: host} do
    call =
      Task.async(fn ->
        catch_error(TestHost.call!(host, "wait_for_variable", variable: "v", target: 1.0))
      end)

    await_watch(host)
    {:os_pid, pid} = host |> :sys.get_state() |> Map.fetch!(:port) |> Port.info(:os_pid)
    System.cmd("kill", ["-9", "#{pid}"])
    assert %TestHost.Error{kind: :exit, message: message} = Task.await(call)
    assert message =~ "crashed"
    assert %TestHost.Error{kind: :exit} = catch_error(TestHost.variables!(host))
  end

  defp await_watch(host) do
    if TestHost.request!(host, "variables")["watches"] == 0, do: await_watch(host)
  end
end
