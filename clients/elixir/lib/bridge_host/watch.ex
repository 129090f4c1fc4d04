defmodule BridgeHost.Watch do
  @moduledoc """
  The changes of variables as a stream.

      session
      |> BridgeHost.Watch.stream(["temperature"])
      |> Stream.filter(&(&1.type in [:initial_value, :value_change]))
      |> Enum.each(&IO.inspect(&1.variable.value))

  The stream promises what `BridgeHost.Watcher` does, and ends with the session. It holds back the host when
  its consumer is slow. When the consumer stops, the watch ends.
  """

  alias BridgeHost.{Error, Session, Update, Watcher}

  # How many updates wait in the mailbox at most, but for those of one batch.
  @ahead 100

  @doc """
  Watches variables: ids, names, which need not be there yet, and patterns with `*`; an empty list watches
  everything in the session.

  Options are those of `BridgeHost.Watcher` but for `:to` and `:demand`. Raises `BridgeHost.Error` when the
  host refuses the watch. It waits for a host that is not there, unless `:attempts` says for how long.
  """
  @spec stream(Session.t(), [String.t() | atom()], [Watcher.option()]) :: Enumerable.t()
  def stream(%Session{} = session, names, options \\ []) do
    options = Keyword.drop(options, [:to, :demand, :name])
    Stream.resource(fn -> start(session, names, options) end, &next/1, &stop/1)
  end

  defp start(session, names, options) do
    {:ok, watcher} = Watcher.start(session, names, [to: self(), demand: 0] ++ options)
    {watcher, Process.monitor(watcher), 0}
  end

  defp next({watcher, monitor, 0}) do
    Watcher.ask(watcher, @ahead)
    next({watcher, monitor, @ahead})
  end

  defp next({watcher, monitor, asked}) do
    receive do
      {:bridge_host, ^watcher, %Update{} = update} ->
        {[update], {watcher, monitor, asked - 1}}

      {:bridge_host, ^watcher, {:error, %Error{} = error}} ->
        raise error

      {:DOWN, ^monitor, :process, ^watcher, :normal} ->
        {:halt, {watcher, monitor, asked}}

      {:DOWN, ^monitor, :process, ^watcher, reason} ->
        exit(reason)
    end
  end

  defp stop({watcher, monitor, _asked}) do
    Process.demonitor(monitor, [:flush])

    try do
      GenServer.stop(watcher)
    catch
      # It has ended before.
      :exit, _reason -> :ok
    end

    flush(watcher)
  end

  defp flush(watcher) do
    receive do
      {:bridge_host, ^watcher, _} -> flush(watcher)
    after
      0 -> :ok
    end
  end
end
