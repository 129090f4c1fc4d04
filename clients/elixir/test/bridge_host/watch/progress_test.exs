defmodule BridgeHost.Watch.ProgressTest do
  use ExUnit.Case, async: true

  import BridgeHost.Test.Messages

  alias BridgeHost.Error
  alias BridgeHost.Watch.Progress

  defp new(options \\ []), do: Progress.new("s", [names: ["x"]] ++ options)

  # Feeds messages; answers the types and revisions that were handed out, message by message.
  defp feed(progress, messages) do
    Enum.map_reduce(messages, progress, fn message, progress ->
      {_, updates, progress} = Progress.message(progress, message)
      {Enum.map(updates, &{&1.type, &1.revision}), progress}
    end)
  end

  defp synced(options \\ []) do
    {_, progress} = feed(new(options), [update("initial_value", 4), update("synced", 4)])
    progress
  end

  defp error(code), do: {:error, %Error{code: code, message: "why"}}

  test "begins with the present values" do
    request = Progress.request(new(heartbeat: 500, conflate: true))
    assert request.session_id == "s"
    assert request.variable_identifiers == ["x"]
    assert request.include_initial_values and request.include_synced
    assert request.heartbeat_interval_ms == 500
    assert request.conflate
    refute Map.has_key?(request, :start_revision)
  end

  test "hands out initial values together with synced" do
    messages = [update("initial_value", 4), update("initial_value", 4), update("synced", 4)]

    assert {[[], [], [initial_value: 4, initial_value: 4, synced: 4]], progress} =
             feed(new(), messages)

    assert %{start_revision: 4, epoch: "e1"} = Progress.request(progress)
  end

  test "initial values that nobody wants to see still say from where to resume" do
    assert {[[], [], [value_change: 5]], _} =
             feed(new(initial: false), [
               update("initial_value", 4),
               update("synced", 4),
               update("value_change", 5)
             ])

    progress = synced(initial: false)
    assert %{start_revision: 4} = Progress.request(progress)
  end

  test "never hands out half a batch, and resumes before one that was cut" do
    assert {[[], [], [value_change: 5, value_change: 5, deleted: 5]], progress} =
             feed(synced(), [
               update("value_change", 5, more_in_revision: true),
               update("value_change", 5, more_in_revision: true),
               update("deleted", 5)
             ])

    assert %{start_revision: 5} = Progress.request(progress)

    {[[]], progress} = feed(progress, [update("value_change", 6, more_in_revision: true)])
    {:retry, [], progress} = Progress.ended(progress, {:lost, %Error{code: :unavailable}})
    assert %{start_revision: 5} = Progress.request(progress)

    # The batch comes again, from its beginning.
    assert {[[], [value_change: 6, value_change: 6]], _} =
             feed(progress, [
               update("value_change", 6, more_in_revision: true),
               update("value_change", 6)
             ])
  end

  test "a heartbeat moves the point of resumption, and says nothing" do
    {[[]], progress} = feed(synced(), [update("heartbeat", 9)])
    assert %{start_revision: 9, epoch: "e1"} = Progress.request(progress)
  end

  test "synced of a watch that has resumed is not told again" do
    {:retry, [], progress} = Progress.ended(synced(), {:lost, %Error{}})

    assert {[[], [value_change: 5]], _} =
             feed(progress, [update("synced", 4), update("value_change", 5)])
  end

  test "initial values that were cut are asked for again, and told once" do
    {[[]], progress} = feed(new(), [update("initial_value", 4)])
    {:retry, [], progress} = Progress.ended(progress, error(:unavailable))
    assert %{include_initial_values: true} = Progress.request(progress)

    assert {[[], [initial_value: 6, synced: 6]], _} =
             feed(progress, [update("initial_value", 6), update("synced", 6)])
  end

  test "a gap is told, and the present values after it, wanted before or not" do
    for options <- [[], [initial: false]], code <- [:out_of_range, :failed_precondition] do
      {:retry, [gap], progress} = Progress.ended(synced(options), error(code))
      assert %{type: :gap, revision: 4, cause: "why"} = gap
      assert %{include_initial_values: true} = Progress.request(progress)

      assert {[[], [initial_value: 1, synced: 1]], progress} =
               feed(progress, [
                 update("initial_value", 1, epoch: "e2"),
                 update("synced", 1, epoch: "e2")
               ])

      assert %{start_revision: 1, epoch: "e2"} = Progress.request(progress)
    end
  end

  test "on_gap: :stop ends with the host's error" do
    assert {:stop, %Error{code: :out_of_range}} =
             Progress.ended(synced(on_gap: :stop), error(:out_of_range))
  end

  test "initial values whose changes are gone are no gap: nothing was told yet" do
    assert {:retry, [], progress} = Progress.ended(new(), error(:out_of_range))
    assert %{include_initial_values: true} = Progress.request(progress)
  end

  test "what passes is tried again, what stays ends the watch" do
    for ending <- [
          :done,
          {:lost, %Error{code: :unavailable}},
          error(:unavailable),
          error(:cancelled),
          error(:deadline_exceeded),
          error(:resource_exhausted)
        ] do
      assert {:retry, [], _} = Progress.ended(synced(), ending)
    end

    for code <- [:not_found, :invalid_argument, :unauthenticated, :unimplemented, :internal] do
      assert {:stop, %Error{code: ^code}} = Progress.ended(synced(), error(code))
    end

    assert {:stop, %Error{code: :failed_precondition}} =
             Progress.ended(new(), error(:failed_precondition))
  end

  test "counts failures in a row" do
    {:retry, [], progress} = Progress.ended(synced(), :done)
    {:retry, [], progress} = Progress.ended(progress, :done)
    assert progress.failures == 2
    {_, progress} = feed(progress, [update("heartbeat", 4)])
    assert progress.failures == 0
  end

  test "the end of the session is the last" do
    assert {:over, [%{type: :session_closed, cause: "expired"}], _} =
             Progress.message(synced(), update("session_closed", 5, cause: "expired"))
  end

  test "an update of a kind that is not known is handed on" do
    assert {:ok, [%{type: {:other, "renamed"}, revision: 5}], _} =
             Progress.message(synced(), update("renamed", 5))
  end

  test "a value that cannot be read ends the watch" do
    broken = variable(type: "quaternion")

    assert {:stop, %Error{code: :internal}} =
             Progress.message(synced(), update("value_change", 5, variable: broken))
  end
end
