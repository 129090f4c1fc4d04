defmodule BridgeHost.HostTest do
  # Against a real host: by elixir-grpc where it is, else by Python's.
  use ExUnit.Case, async: true

  alias BridgeHost.{
    Error,
    Session,
    Tensor,
    Tool,
    Tools,
    Update,
    Variable,
    Variables,
    Watch,
    Watcher
  }

  alias BridgeHost.Test.{Cutter, Host}

  @moduletag :host
  @moduletag capture_log: true

  # elixir-grpc before 0.11 hands no details of errors over.
  @details Host.transport() != BridgeHost.Transport.GRPC or
             Version.match?(to_string(Application.spec(:grpc, :vsn)), ">= 0.11.0")

  setup_all do
    {:ok, host} = Host.start_link()
    address = Host.address(host)
    {:ok, address: address}
  end

  setup %{address: address} do
    bridge = start_supervised!({BridgeHost, address: address, transport: Host.transport()})
    id = "elixir_#{System.unique_integer([:positive])}"
    {:ok, bridge: bridge, session: Session.open!(bridge, id, new: true)}
  end

  test "ping", %{bridge: bridge} do
    assert {:ok, {"pong: hello", %DateTime{year: year}}} = BridgeHost.ping(bridge, "hello")
    assert year >= 2024
  end

  describe "sessions" do
    test "open, info, heartbeat, close", %{bridge: bridge, session: session} do
      assert {:ok, ^session} = Session.open(bridge, session.id)

      assert {:error, %Error{code: :already_exists} = error} =
               Session.open(bridge, session.id, new: true)

      if @details, do: assert(error.reason == "ALREADY_EXISTS")

      other = Session.open!(bridge, session.id <> "_b", metadata: [who: "me"], ttl: 90)
      Variables.register!(other, "x", :integer, 1)
      assert {:ok, info} = Session.info(other)
      assert %{metadata: %{"who" => "me"}, ttl: 90, variables: 1, revision: 1} = info
      assert info.epoch != "" and info.tools > 0
      assert %DateTime{} = info.created_at

      assert Session.heartbeat(other) == {:ok, true}
      assert Session.close(other) == {:ok, 1}
      assert Session.close(other) == {:ok, 0}
      assert Session.heartbeat(other) == {:ok, false}
      assert {:error, %Error{code: :not_found}} = Session.info(other)
    end
  end

  describe "variables" do
    test "of every type, both ways", %{session: session} do
      long = for n <- 1..4000, do: n / 3

      for {type, first, second} <- [
            {:float, 0.1, :infinity},
            {:float, :nan, :neg_infinity},
            {:integer, -9_223_372_036_854_775_808, 9_223_372_036_854_775_807},
            {:string, "é\n\"", ""},
            {:boolean, true, false},
            {:choice, "a", "b"},
            {:module, "Elixir.Enum", "String"},
            {:embedding, [0.5, -1.0], long},
            {:tensor, Tensor.new([[1.5, 2], [3, 4]]), Tensor.new(long, :float32)}
          ] do
        name = "v#{System.unique_integer([:positive])}"
        options = if type == :choice, do: [constraints: %{choices: ["a", "b"]}], else: []
        variable = Variables.register!(session, name, type, first, options)
        assert %Variable{type: ^type, name: ^name, version: 1, source: :elixir} = variable
        assert variable.value == first
        assert Variables.get!(session, variable.id) == first
        assert Variables.put!(session, name, second) == 2
        assert Variables.get!(session, name) == second
      end
    end

    test "what the host refuses", %{session: session} do
      Variables.register!(session, "t", :float, 1.0, constraints: %{min: 0, max: 2})

      assert {:error, %Error{code: :invalid_argument} = error} = Variables.put(session, "t", 3)
      assert error.message =~ "Value 3.0 is above maximum 2"
      if @details, do: assert(error.reason == "INVALID_VALUE")

      assert {:error, %Error{code: :invalid_argument}} = Variables.put(session, "t", "warm")
      assert {:error, %Error{code: :not_found}} = Variables.get(session, "nothing")
      assert {:error, %Error{code: :not_found}} = Variables.delete(session, "nothing")
      assert_raise Error, ~r/not_found/, fn -> Variables.get!(session, "nothing") end

      assert {:error, %Error{code: :already_exists}} = Variables.register(session, "t", :float, 1)

      assert {:error, %Error{code: :invalid_argument}} =
               Variables.register(session, "u", :integer, 1.5)
    end

    test "a name that is taken", %{session: session} do
      first = Variables.register!(session, "x", :integer, 1)
      same = Variables.register!(session, "x", :integer, 2, if_exists: :return)
      assert {same.id, same.value} == {first.id, 1}
      other = Variables.register!(session, "x", :integer, 2, if_exists: :replace)
      assert other.id != first.id and other.value == 2
    end

    test "metadata, constraints and access", %{session: session} do
      variable =
        Variables.register!(session, "x", :integer, 1,
          constraints: %{max: 5},
          metadata: [unit: "K"],
          access: %{writers: ["tool:nobody"]}
        )

      assert variable.constraints == %{"max" => 5}
      assert variable.metadata["unit"] == "K"
      assert {:error, %Error{code: :permission_denied}} = Variables.put(session, "x", 2)

      Variables.register!(session, "y", :integer, 1, constraints: %{max: 5})
      Variables.put!(session, "y", 9, constraints: %{max: 10}, metadata: %{source: "me"})
      assert {:ok, %{value: 9, metadata: %{"source" => "me"}} = y} = Variables.fetch(session, "y")
      assert y.constraints == %{"max" => 10}
    end

    test "compare and set", %{session: session} do
      Variables.register!(session, "n", :integer, 0)
      assert Variables.put(session, "n", 1, version: 1) == {:ok, 2}
      assert {:error, %Error{code: :aborted}} = Variables.put(session, "n", 2, version: 1)

      1..4
      |> Task.async_stream(
        fn _ -> for _ <- 1..10, do: {:ok, _} = Variables.update(session, "n", &(&1 + 1)) end,
        timeout: 60_000
      )
      |> Stream.run()

      assert Variables.get!(session, "n") == 41
    end

    test "many at once, all or none", %{session: session} do
      long = List.duplicate(0.5, 3000)
      Variables.register!(session, "a", :integer, 1, constraints: %{max: 9})
      Variables.register!(session, "b", :embedding, [1.0])

      assert Variables.put_many(session, a: 2, b: long) == {:ok, %{"a" => 2, "b" => 2}}

      assert {:error, %Error{code: :invalid_argument, metadata: %{"a" => why}}} =
               Variables.put_many(session, %{"a" => 10, "b" => [2.0]})

      assert why =~ "maximum 9"

      assert {:error, %Error{metadata: %{"a" => _}}} =
               Variables.put_many(session, [a: 3], versions: %{a: 1})

      assert {:ok,
              %{"a" => %{value: 2, revision: same}, "b" => %{value: ^long, revision: same}} = read} =
               Variables.fetch_many(session, [:a, "b", "c"])

      assert map_size(read) == 2
    end

    test "list, delete, history, rollback", %{session: session} do
      for n <- 1..3, do: Variables.register!(session, "v#{n}", :integer, n)
      Variables.register!(session, "w", :tensor, Tensor.new([1, 2], :int32))
      assert {:ok, listed} = Variables.list(session)
      assert Enum.map(listed, & &1.name) == ["v1", "v2", "v3", "w"]
      assert {:ok, [%{name: "w"}]} = Variables.list(session, "w*")

      assert Variables.delete(session, "v3") == :ok
      Variables.put!(session, "v1", 10, metadata: %{source: "me"})
      Variables.put!(session, "v1", 20)

      assert {:ok, [%{version: 3, value: 20}, %{version: 2, by: "me"}]} =
               Variables.history(session, "v1", limit: 2)

      assert {:ok, %{version: 4, value: 1}} = Variables.rollback(session, "v1", 1)
      assert {:error, %Error{code: :invalid_argument}} = Variables.rollback(session, "v1", 99)
    end
  end

  describe "tools" do
    test "run, with terms of every kind", %{session: session} do
      assert Tools.execute!(session, "echo", text: "hello") == "hello"
      assert Tools.execute!(session, :arithmetic, operation: :add, a: 1, b: 2) == 3.0
      assert Tools.execute!(session, "normalize", vector: [3, 4]) == [0.6, 0.8]

      numbers = Tensor.new(for(n <- 1..5000, do: n), :float32)
      assert length(Tools.execute!(session, "normalize", vector: numbers)) == 5000

      data = :binary.copy("bridge", 1000)
      assert Tools.execute!(session, "zlib_crc32", data: {:bytes, data}) == :erlang.crc32(data)
      packed = Tools.execute!(session, "zlib_compress", data: {:bytes, data})
      assert :zlib.uncompress(packed) == data
    end

    test "work on the session's variables", %{session: session} do
      Variables.register!(session, "t", :float, 1.5)
      assert Tools.execute!(session, "scale_variable", variable: "t", factor: 2) == 3.0
      assert {:ok, %{value: 3.0, source: :plugin}} = Variables.fetch(session, "t")
    end

    test "fail", %{session: session} do
      assert {:error, %Error{code: :not_found}} = Tools.execute(session, "no_such_tool")

      assert {:error, %Error{code: :invalid_argument} = error} =
               Tools.execute(session, "echo", colour: "red")

      assert error.message =~ "colour"

      assert {:error, %Error{} = error} =
               Tools.execute(session, "scale_variable", variable: "none", factor: 2)

      assert error.code == :not_found
      assert error.metadata["error_type"] != nil
      assert error.metadata["retryable"] == "false"
    end

    test "have a deadline", %{session: session} do
      Variables.register!(session, "t", :float, 1.0)

      assert {:error, %Error{code: :deadline_exceeded}} =
               Tools.execute(session, "average_updates", [variable: "t", count: 2], timeout: 200)
    end

    test "stream", %{session: session} do
      assert {:ok, stream} = Tools.stream(session, "countdown", from: 3)
      assert Enum.to_list(stream) == [chunk: 3, chunk: 2, chunk: 1, result: 3]

      assert {:ok, stream} = Tools.stream(session, "countdown", [from: 4], progress: true)
      events = Enum.to_list(stream)
      assert for({:chunk, n} <- events, do: n) == [4, 3, 2, 1]
      progress = for {:progress, part, _text} <- events, do: part
      assert progress == Enum.sort(progress) and List.last(progress) == 1.0

      assert {:ok, stream} = Tools.stream(session, "c_stream", count: 5000)
      assert Enum.count(stream) == 5001
    end

    test "streams fail, before they begin or later", %{session: session} do
      answer =
        with {:ok, stream} <- Tools.stream(session, "no_such_tool"), do: hd(Enum.to_list(stream))

      assert {:error, %Error{code: :not_found}} = answer

      assert {:ok, stream} =
               Tools.stream(session, "countdown", [from: 100_000, interval_ms: 1000], timeout: 500)

      assert {:error, %Error{code: :deadline_exceeded}} = List.last(Enum.to_list(stream))
    end

    test "are listed", %{session: session} do
      assert {:ok, %{"scale_variable" => %Tool{} = tool, "countdown" => countdown}} =
               Tools.list(session)

      assert countdown.streams
      assert tool.metadata["plugin"] == "example"
      assert [%{name: "variable", required: true} | _] = tool.parameters
      assert %{"type" => "object"} = tool.schema

      assert {:ok, %{"countdown" => %{parameters: [_, %{default: 0, constraints: constraints}]}}} =
               Tools.list(session)

      assert constraints == %{"min" => 0, "max" => 60_000}
    end
  end

  describe "watches" do
    defp types(updates), do: Enum.map(updates, & &1.type)

    test "a stream", %{session: session} do
      Variables.register!(session, "t", :float, 1.0)
      stream = Watch.stream(session, ["t", "later"])

      task =
        Task.async(fn ->
          Enum.reduce_while(stream, [], fn update, seen ->
            # Writes where the watch stands, so that nothing depends on who is quicker.
            if update.type == :synced do
              Variables.put!(session, "t", 2.0)
              Variables.register!(session, "other", :integer, 0)
              Variables.register!(session, "later", :integer, 5)
              Variables.put_many(session, t: 3.0, later: 6)
              Variables.delete(session, "later")
              Session.close(session)
            end

            {:cont, [update | seen]}
          end)
        end)

      updates = task |> Task.await(60_000) |> Enum.reverse()

      assert [
               :initial_value,
               :synced,
               :value_change,
               :value_change,
               a,
               b,
               :deleted,
               :session_closed
             ] = types(updates)

      assert {a, b} == {:value_change, :value_change}
      [initial, _, change, new, first, second, deleted, closed] = updates
      assert {initial.name, initial.variable.value} == {"t", 1.0}
      assert {change.variable.value, change.old} == {2.0, 1.0}
      assert {new.name, new.variable.version, new.old} == {"later", 1, nil}
      assert first.revision == second.revision and first.more and not second.more
      assert deleted.name == "later"
      assert closed.cause == "cleanup"
    end

    test "large values come as they are", %{session: session} do
      tensor = Tensor.new(for(n <- 1..4000, do: n), :float32)
      Variables.register!(session, "w", :tensor, tensor)
      assert [%{variable: %{value: ^tensor}}, _] = session |> Watch.stream(["w"]) |> Enum.take(2)
    end

    test "an abandoned stream ends in the host", %{session: session} do
      Variables.register!(session, "t", :float, 1.0)
      assert [_, _] = session |> Watch.stream([]) |> Enum.take(2)
      until(fn -> match?({:ok, %{watches: 0}}, Session.info(session)) end)
    end

    test "a watcher's end too, however it ends", %{session: session} do
      {:ok, watcher} = Watcher.start(session, [], to: self())
      assert_receive {:bridge_host, ^watcher, %Update{type: :synced}}
      assert {:ok, %{watches: 1}} = Session.info(session)
      Process.exit(watcher, :kill)
      until(fn -> match?({:ok, %{watches: 0}}, Session.info(session)) end)
    end

    test "a session that the host does not know", %{bridge: bridge} do
      {:ok, host} = Host.start_link(args: ["--no-auto-create-sessions"])

      other =
        start_supervised!({BridgeHost, address: Host.address(host), transport: Host.transport()},
          id: :b
        )

      nowhere = %Session{bridge: other, id: "nowhere"}
      assert %Error{code: :not_found} = catch_error(nowhere |> Watch.stream([]) |> Enum.to_list())
      assert {:ok, _} = BridgeHost.ping(bridge)
    end
  end

  describe "a host that is killed and started again" do
    setup do
      directory = Path.join(System.tmp_dir!(), "bridge_host_#{System.unique_integer([:positive])}")
      File.mkdir_p!(directory)
      File.chmod!(directory, 0o700)
      on_exit(fn -> File.rm_rf!(directory) end)
      {:ok, address: Host.own_address(), directory: directory}
    end

    defp host_at(address, args) do
      {:ok, host} = Host.start_link(listen: address, args: args)
      assert Host.address(host) == address
      host
    end

    test "in order, with its state: the watch goes on", context do
      args = ["--state", context.directory]
      host = host_at(context.address, args)
      options = [address: context.address, transport: Host.transport()]
      bridge = start_supervised!({BridgeHost, options}, id: :b)
      session = Session.open!(bridge, "kept")
      Variables.register!(session, "n", :integer, 0)

      {:ok, watcher} = Watcher.start_link(session, ["n"], backoff: {1, 20})
      assert %Update{type: :initial_value} = next(watcher)
      assert %Update{type: :synced} = next(watcher)
      Variables.put!(session, "n", 1)
      assert %Update{type: :value_change, old: 0} = next(watcher)

      :ended = Host.stop(host, "TERM")
      # Without a host a call fails, and does not wait.
      until(fn -> match?({:error, %Error{code: :unavailable}}, BridgeHost.ping(bridge)) end)
      host_at(context.address, args)
      until(fn -> match?({:ok, _}, BridgeHost.ping(bridge)) end)
      Variables.put!(session, "n", 2)
      assert %Update{type: :value_change, old: 1, variable: %{value: 2}} = next(watcher)
    end

    test "has forgotten: a gap, and what there is now", context do
      host = host_at(context.address, [])

      bridge =
        start_supervised!({BridgeHost, address: context.address, transport: Host.transport()},
          id: :b
        )

      session = Session.open!(bridge, "forgotten")
      Variables.register!(session, "n", :integer, 1)
      {:ok, watcher} = Watcher.start_link(session, ["n"], backoff: {1, 20}, initial: false)
      Variables.put!(session, "n", 2)
      # Whether the watch was there before: it says so when it sees this change, or none.
      until(fn ->
        Variables.put!(session, "n", 3)

        receive do
          {:bridge_host, ^watcher, %Update{type: :value_change}} -> true
        after
          10 -> false
        end
      end)

      :ended = Host.stop(host, "KILL")
      _ = host_at(context.address, [])

      until(fn ->
        match?({:ok, _}, Variables.register(session, "n", :integer, 7, if_exists: :return))
      end)

      assert %Update{type: :gap, cause: cause} = next(watcher, :gap)
      assert cause != ""
      seen = next(watcher, :synced)
      assert seen.type == :synced
      value = Variables.get!(session, "n")
      assert value == 7
    end
  end

  test "a connection that is cut: nothing is missed, and nothing told twice", context do
    {:ok, cutter} = Cutter.start_link(context.address)
    options = [address: Cutter.address(cutter), transport: Host.transport()]
    bridge = start_supervised!({BridgeHost, options}, id: :b)
    id = context.session.id
    {:ok, watcher} = Watcher.start_link(%Session{bridge: bridge, id: id}, [], backoff: {1, 20})
    assert %Update{type: :synced} = next(watcher)

    names = for n <- 1..3, do: "v#{n}"
    for name <- names, do: Variables.register!(context.session, name, :integer, 0)

    for _ <- names, do: assert(%Update{type: :value_change} = next(watcher))

    # Three updates a revision. Each round is cut in the middle of a batch, while more are written.
    updates =
      for round <- 1..10 do
        task =
          Task.async(fn ->
            for n <- 1..5, do: {:ok, _} = put_all(context.session, names, round * 10 + n)
          end)

        first = for _ <- 1..7, do: next(watcher)
        Cutter.cut(cutter)
        rest = for _ <- 1..8, do: next(watcher)
        Task.await(task, 60_000)
        first ++ rest
      end

    assert Cutter.cuts(cutter) == 10
    updates = List.flatten(updates)
    assert Enum.uniq(types(updates)) == [:value_change]
    assert Enum.map(updates, & &1.revision) == Enum.flat_map(4..53, &[&1, &1, &1])
    assert updates |> Enum.map(&{&1.name, &1.variable.value}) |> Enum.uniq() |> length() == 150
  end

  defp put_all(session, names, value),
    do: Variables.put_many(session, Map.new(names, &{&1, value}))

  # The next update; or the next of a type, those before it are dropped.
  defp next(watcher) do
    assert_receive {:bridge_host, ^watcher, %Update{} = update}
    update
  end

  defp next(watcher, type) do
    update = next(watcher)
    if update.type == type, do: update, else: next(watcher, type)
  end

  test "a token goes with every call" do
    directory = Path.join(System.tmp_dir!(), "bridge_host_#{System.unique_integer([:positive])}")
    File.mkdir_p!(directory)
    on_exit(fn -> File.rm_rf!(directory) end)
    tokens = Path.join(directory, "tokens")
    File.write!(tokens, String.duplicate("s", 40) <> "\n")
    File.chmod!(tokens, 0o600)
    {:ok, host} = Host.start_link(args: ["--token-file", tokens])
    options = [address: Host.address(host), transport: Host.transport()]

    stranger = start_supervised!({BridgeHost, options}, id: :stranger)
    assert {:error, %Error{code: :unauthenticated}} = BridgeHost.ping(stranger)

    known =
      start_supervised!({BridgeHost, [token: String.duplicate("s", 40)] ++ options}, id: :known)

    assert {:ok, _} = BridgeHost.ping(known)
    session = Session.open!(known, "tokens")
    assert [%{type: :synced}] = session |> Watch.stream([]) |> Enum.take(1)
  end

  # Waits until something holds; the test's own time limit is the only one.
  defp until(holds) do
    if holds.() do
      :ok
    else
      Process.sleep(10)
      until(holds)
    end
  end
end
