defmodule BridgeHost.WatcherTest do
  use ExUnit.Case, async: true

  import BridgeHost.Test.FakeTransport, only: [reply: 2, emit: 2, caller: 1]
  import BridgeHost.Test.Messages
  import ExUnit.CaptureLog

  alias BridgeHost.{Error, Session, Update, Watch, Watcher}
  alias BridgeHost.Test.FakeTransport

  @moduletag capture_log: true

  setup do
    {:ok, bridge} =
      BridgeHost.start_link(
        transport: FakeTransport,
        address: FakeTransport.address(),
        token: "secret"
      )

    {:ok, session: %Session{bridge: bridge, id: "s"}}
  end

  defp start(session, options \\ []) do
    {:ok, watcher} = Watcher.start_link(session, [:x, "y*"], [backoff: {0, 0}] ++ options)
    watcher
  end

  # The reader's connection and stream, as the host sees them.
  defp accepted do
    assert_receive {:connect, connection, _}
    reply(connection, :ok)
    assert_receive {:stream, stream, :watch_variables, request}
    emit(stream, {:ok, :begun})
    {stream, request}
  end

  defp send_all(stream, messages), do: Enum.each(messages, &emit(stream, {:ok, &1}))

  defp lose(stream), do: emit(stream, {:lost, %Error{code: :unavailable, message: "cut"}})

  defp began(session, options \\ []) do
    watcher = start(session, options)
    {stream, _} = accepted()
    send_all(stream, [update("synced", 4)])
    assert_receive {:bridge_host, ^watcher, %Update{type: :synced, revision: 4}}
    {watcher, stream}
  end

  test "connects as the bridge does, and hands over what the host says", %{session: session} do
    watcher = start(session)
    assert_receive {:connect, connection, token: "secret"}
    reply(connection, :ok)
    assert_receive {:stream, stream, :watch_variables, request}
    assert request.variable_identifiers == ["x", "y*"]
    emit(stream, {:ok, :begun})
    send_all(stream, [update("initial_value", 4), update("synced", 4), update("value_change", 5)])

    assert_receive {:bridge_host, ^watcher, %Update{type: :initial_value, name: "x"} = update}
    assert update.variable.value == 1
    assert update.variable.updated_at == ~U[2023-11-14 22:13:20.000005Z]
    assert_receive {:bridge_host, ^watcher, %Update{type: :synced}}
    assert_receive {:bridge_host, ^watcher, %Update{type: :value_change, revision: 5}}
  end

  test "resumes after a connection was lost, and after one that cannot be made", %{session: session} do
    {watcher, stream} = began(session)

    log =
      capture_log(fn ->
        lose(stream)
        assert_receive {:connect, connection, _}
        reply(connection, {:error, %Error{code: :unavailable, message: "refused"}})
        {stream, request} = accepted()
        assert %{start_revision: 4, epoch: "e1"} = request
        refute Map.has_key?(request, :include_initial_values)

        send_all(stream, [update("value_change", 5), update("synced", 5), update("value_change", 6)])

        assert_receive {:bridge_host, ^watcher, %Update{revision: 5}}
        assert_receive {:bridge_host, ^watcher, %Update{type: :value_change, revision: 6}}
      end)

    assert log =~ "the watch of session s is interrupted, and tries again: unavailable: cut"
    refute log =~ "refused"
  end

  test "tells of a gap, and of the present values after it", %{session: session} do
    {watcher, stream} = began(session)
    emit(stream, {:error, %Error{code: :out_of_range, message: "the log begins at 90"}})

    assert_receive {:bridge_host, ^watcher, %Update{type: :gap, cause: "the log begins at 90"}}
    {stream, request} = accepted()
    assert request.include_initial_values
    send_all(stream, [update("initial_value", 95), update("synced", 95)])
    assert_receive {:bridge_host, ^watcher, %Update{type: :initial_value, revision: 95}}
    assert_receive {:bridge_host, ^watcher, %Update{type: :synced, revision: 95}}
  end

  test "ends with the session, and not its owner with it", %{session: session} do
    {watcher, stream} = began(session)
    monitor = Process.monitor(watcher)
    send_all(stream, [update("session_closed", 5, cause: "cleanup")])

    assert_receive {:bridge_host, ^watcher, %Update{type: :session_closed, cause: "cleanup"}}
    assert_receive {:DOWN, ^monitor, _, _, :normal}
  end

  test "says what the host refuses, and ends", %{session: session} do
    watcher = start(session)
    monitor = Process.monitor(watcher)
    assert_receive {:connect, connection, _}
    reply(connection, :ok)
    assert_receive {:stream, stream, :watch_variables, _}
    emit(stream, {:error, %Error{code: :not_found, message: "Session not found: s"}})

    assert_receive {:bridge_host, ^watcher, {:error, %Error{code: :not_found}}}
    assert_receive {:DOWN, ^monitor, _, _, :normal}
  end

  test "gives up after as many failures in a row as it may have", %{session: session} do
    {watcher, stream} = began(session, attempts: 2)
    lose(stream)
    assert_receive {:connect, connection, _}
    reply(connection, {:error, %Error{code: :unavailable, message: "refused"}})
    assert_receive {:bridge_host, ^watcher, {:error, %Error{message: "refused"}}}
  end

  test "takes a host that is silent for too long for lost", %{session: session} do
    {watcher, silent} = began(session, heartbeat: 100)
    reader = caller(silent)
    monitor = Process.monitor(reader)
    assert_receive {:DOWN, ^monitor, _, _, :silence}
    {stream, request} = accepted()
    assert request.start_revision == 4
    # What the first stream says now is of no interest.
    emit(silent, {:ok, update("value_change", 5)})
    send_all(stream, [update("value_change", 6)])
    assert_receive {:bridge_host, ^watcher, %Update{type: :value_change, revision: 6}}
  end

  test "sends only what was asked for, and lets the host wait meanwhile", %{session: session} do
    watcher = start(session, demand: 1)
    {stream, _} = accepted()
    changes = for revision <- 5..9, do: update("value_change", revision)
    send_all(stream, [update("synced", 4) | changes])

    assert_receive {:bridge_host, ^watcher, %Update{type: :synced}}

    # The reader has taken one message, and waits: the others are still where the transport has them.
    Watcher.ask(watcher, 2)
    assert_receive {:bridge_host, ^watcher, %Update{revision: 5}}
    assert_receive {:bridge_host, ^watcher, %Update{revision: 6}}
    :sys.get_state(watcher)
    refute_received {:bridge_host, ^watcher, _}
    {:message_queue_len, waiting} = Process.info(caller(stream), :message_queue_len)
    assert waiting >= 2

    Watcher.ask(watcher, 10)
    for revision <- 7..9, do: assert_receive({:bridge_host, ^watcher, %Update{revision: ^revision}})
  end

  test "does not take a host for silent that it keeps waiting", %{session: session} do
    watcher = start(session, demand: 0, heartbeat: 100)
    {stream, _} = accepted()
    send_all(stream, [update("synced", 4), update("value_change", 5)])
    # Were there a watchdog, it would bark three heartbeats after the last message.
    state = :sys.get_state(watcher)
    state = if state.holds_reader, do: state, else: wait_until_held(watcher)
    assert state.watchdog == nil
    Watcher.ask(watcher, 2)
    assert_receive {:bridge_host, ^watcher, %Update{type: :synced}}
    assert_receive {:bridge_host, ^watcher, %Update{revision: 5}}
  end

  defp wait_until_held(watcher) do
    state = :sys.get_state(watcher)
    if state.holds_reader, do: state, else: wait_until_held(watcher)
  end

  test "ends with its owner, and the connection with it", %{session: session} do
    test = self()

    owner =
      spawn(fn ->
        {:ok, watcher} = Watcher.start(session, [], backoff: {0, 0}, to: self())
        send(test, {:watcher, watcher})
        Process.sleep(:infinity)
      end)

    assert_receive {:watcher, watcher}
    {stream, _} = accepted()
    monitors = for pid <- [watcher, caller(stream)], do: Process.monitor(pid)
    Process.exit(owner, :kill)
    for monitor <- monitors, do: assert_receive({:DOWN, ^monitor, _, _, _})
  end

  test "a bridge that is gone is waited for like a host", %{session: session} do
    {:ok, watcher} =
      Watcher.start(%{session | bridge: :not_there_yet}, [], attempts: 3, backoff: {0, 0})

    assert_receive {:bridge_host, ^watcher, {:error, %Error{code: :unavailable, message: message}}}
    assert message =~ "no bridge"
  end

  test "starts under a supervisor", %{session: session} do
    start_supervised!({Watcher, {session, ["x"], [to: self(), backoff: {0, 0}]}})
    {stream, _} = accepted()
    send_all(stream, [update("synced", 4)])
    assert_receive {:bridge_host, _, %Update{type: :synced}}
  end

  describe "the stream" do
    # The test is the host, so that another process has to consume.
    defp consume(session, options \\ [], fun) do
      Task.async(fn -> session |> Watch.stream(["x"], [backoff: {0, 0}] ++ options) |> fun.() end)
    end

    test "yields updates and ends with the session", %{session: session} do
      task = consume(session, &Enum.map(&1, fn update -> {update.type, update.revision} end))
      {stream, _} = accepted()
      changes = for revision <- 5..300, do: update("value_change", revision)
      send_all(stream, [update("synced", 4)] ++ changes ++ [update("session_closed", 300)])

      assert Task.await(task) ==
               [synced: 4] ++
                 for(revision <- 5..300, do: {:value_change, revision}) ++ [session_closed: 300]
    end

    test "leaves nothing behind when its consumer stops", %{session: session} do
      task =
        consume(session, fn stream ->
          taken = Enum.take(stream, 2)
          {length(taken), Process.info(self(), :message_queue_len)}
        end)

      {stream, _} = accepted()
      monitor = Process.monitor(caller(stream))
      send_all(stream, [update("synced", 4) | for(r <- 5..20, do: update("value_change", r))])
      assert Task.await(task) == {2, {:message_queue_len, 0}}
      assert_receive {:DOWN, ^monitor, _, _, _}
    end

    test "raises what the host refuses", %{session: session} do
      task = consume(session, fn stream -> catch_error(Enum.to_list(stream)) end)
      assert_receive {:connect, connection, _}
      reply(connection, :ok)
      assert_receive {:stream, stream, :watch_variables, _}
      emit(stream, {:error, %Error{code: :permission_denied, message: "no"}})
      assert %Error{code: :permission_denied} = Task.await(task)
    end

    test "gives up when it may", %{session: session} do
      task = consume(session, [attempts: 1], fn stream -> catch_error(Enum.to_list(stream)) end)
      assert_receive {:connect, connection, _}
      reply(connection, {:error, %Error{code: :unavailable, message: "refused"}})
      assert %Error{code: :unavailable, message: "refused"} = Task.await(task)
    end
  end
end
