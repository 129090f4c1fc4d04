defmodule BridgeHost.Watcher do
  @moduledoc """
  A process that watches variables and sends each update to its owner as

      {:bridge_host, watcher, %BridgeHost.Update{}}

  for example from a process that keeps the newest temperature:

      def init(session) do
        {:ok, watcher} = BridgeHost.Watcher.start_link(session, ["temperature"])
        {:ok, %{watcher: watcher, temperature: nil}}
      end

      def handle_info({:bridge_host, _watcher, %BridgeHost.Update{type: type} = update}, state)
          when type in [:initial_value, :value_change] do
        {:noreply, %{state | temperature: update.variable.value}}
      end

      def handle_info({:bridge_host, _watcher, _other}, state), do: {:noreply, state}

  Updates come in order, each once, and none is missing: also when the connection was lost, for the watcher
  then connects again and resumes where it was. Where the host can no longer tell what happened meanwhile,
  the owner gets an update of the type `:gap` and the present values after it; never less. Updates of one
  atomic batch come one after the other.

  The watcher ends with the session, after the update `:session_closed`; with its owner; and when the host
  refuses the watch, after `{:bridge_host, watcher, {:error, %BridgeHost.Error{}}}`. It does not take its
  owner with it.
  """

  use GenServer, restart: :transient

  alias BridgeHost.{Error, Session, Update, Wire}
  alias BridgeHost.Watch.Progress

  require Logger

  @typedoc """
  * `:to` - the owner; the calling process if not said.
  * `:initial` - whether the present values come first, and then `:synced`; true if not said.
  * `:conflate` - lets a slow watch leave out all but the newest change of each variable.
  * `:on_gap` - `:restart` (if not said) or `:stop`, which ends with the host's error in place of a gap.
  * `:demand` - how many updates may be sent; more with `ask/2`. `:infinity` if not said: then a slow
    owner's mailbox grows.
  * `:heartbeat` - milliseconds between two signs of life of the host, 100 to 3600000; 30000 if not said.
    A connection without any for three times as long is taken for lost.
  * `:backoff` - the shortest and the longest wait in milliseconds before connecting again,
    `{100, 5000}` if not said. The wait doubles, and each is shortened by a random part of its half.
  * `:attempts` - after how many failures in a row the watch gives up; never if not said.
  """
  @type option ::
          {:to, pid()}
          | {:initial, boolean()}
          | {:conflate, boolean()}
          | {:on_gap, :restart | :stop}
          | {:demand, non_neg_integer() | :infinity}
          | {:heartbeat, pos_integer()}
          | {:backoff, {non_neg_integer(), non_neg_integer()}}
          | {:attempts, pos_integer() | :infinity}
          | {:name, GenServer.name()}

  @doc """
  Starts a watcher of variables: ids, names, which need not be there yet, and patterns with `*`. An empty
  list watches everything in the session. It returns before the host has answered.
  """
  @spec start_link(Session.t(), [String.t() | atom()], [option()]) :: GenServer.on_start()
  def start_link(%Session{} = session, names, options \\ []) do
    GenServer.start_link(
      __MODULE__,
      arguments(session, names, options),
      Keyword.take(options, [:name])
    )
  end

  @doc false
  def child_spec({session, names, options}) do
    %{
      id: Keyword.get(options, :name, __MODULE__),
      start: {__MODULE__, :start_link, [session, names, options]},
      restart: :transient
    }
  end

  # Without a link, for a stream: its owner is watched all the same.
  @doc false
  def start(session, names, options) do
    GenServer.start(__MODULE__, arguments(session, names, options))
  end

  @doc "Lets a watcher that was started with `:demand` send so many more updates."
  @spec ask(GenServer.server(), pos_integer()) :: :ok
  def ask(watcher, count), do: GenServer.cast(watcher, {:ask, count})

  @doc "Ends a watcher. Updates that it has sent may still be in the mailbox."
  @spec stop(GenServer.server()) :: :ok
  def stop(watcher), do: GenServer.stop(watcher)

  defp arguments(session, names, options) do
    {session, Enum.map(names, &to_string/1), Keyword.put_new(options, :to, self())}
  end

  @impl true
  def init({session, names, options}) do
    Process.flag(:trap_exit, true)
    owner = Keyword.fetch!(options, :to)
    Process.monitor(owner)

    progress =
      Progress.new(
        session.id,
        [names: names] ++ Keyword.take(options, [:initial, :conflate, :heartbeat, :on_gap])
      )

    state = %{
      session: session,
      owner: owner,
      progress: progress,
      backoff: Keyword.get(options, :backoff, {100, 5000}),
      attempts: Keyword.get(options, :attempts, :infinity),
      demand: Keyword.get(options, :demand, :infinity),
      queue: :queue.new(),
      # What follows the queue: nil, :over or {:error, error}.
      ending: nil,
      reader: nil,
      # Whether the reader waits to be told to go on.
      holds_reader: false,
      watchdog: nil
    }

    {:ok, state, {:continue, :read}}
  end

  @impl true
  def handle_continue(:read, state) do
    watcher = self()
    request = Progress.request(state.progress)
    bridge = state.session.bridge
    reader = spawn_link(fn -> exit({:ended, read(watcher, bridge, request)}) end)
    {:noreply, alive(%{state | reader: reader, holds_reader: false})}
  end

  @impl true
  def handle_cast({:ask, count}, %{demand: demand} = state) do
    demand = if demand == :infinity, do: demand, else: demand + count
    deliver(%{state | demand: demand})
  end

  @impl true
  def handle_info({:message, reader, message}, %{reader: reader} = state) do
    state = %{quiet(state) | holds_reader: true}

    case Progress.message(state.progress, message) do
      {:ok, updates, progress} -> deliver(queue(%{state | progress: progress}, updates))
      {:over, updates, _} -> deliver(queue(%{state | ending: :over}, updates))
      {:stop, error} -> deliver(%{state | ending: {:error, error}})
    end
  end

  def handle_info({:EXIT, reader, reason}, %{reader: reader, ending: nil} = state) do
    state = quiet(%{state | reader: nil, holds_reader: false})

    case Progress.ended(state.progress, ending(reason)) do
      {:retry, updates, progress} ->
        if progress.failures >= state.attempts do
          deliver(%{state | ending: {:error, error(reason)}})
        else
          if progress.failures == 1, do: report(state, reason)
          Process.send_after(self(), :read, pause(progress.failures, state.backoff))
          deliver(queue(%{state | progress: progress}, updates))
        end

      {:stop, error} ->
        deliver(%{state | ending: {:error, error}})
    end
  end

  # The process that started this one has ended.
  def handle_info({:EXIT, _pid, _reason}, state), do: {:noreply, state}

  def handle_info(:read, %{reader: nil, ending: nil} = state),
    do: {:noreply, state, {:continue, :read}}

  def handle_info({:silence, reader}, %{reader: reader} = state) do
    Process.exit(reader, :silence)
    {:noreply, state}
  end

  def handle_info({:DOWN, _monitor, :process, owner, _reason}, %{owner: owner} = state),
    do: {:stop, :normal, state}

  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    if state.reader, do: Process.exit(state.reader, :kill)
  end

  # The reader: a connection and a stream of its own. It tells how the stream ended in its exit reason.
  defp read(watcher, bridge, request) do
    {transport, address, options} = BridgeHost.settings(bridge)

    with {:ok, channel} <- transport.connect(address, options),
         {:ok, messages} <-
           transport.stream(channel, :watch_variables, request,
             timeout: :infinity,
             metadata: Wire.accept()
           ) do
      Enum.reduce_while(messages, :done, fn
        {:ok, message}, :done ->
          send(watcher, {:message, self(), message})

          receive do
            {:next, ^watcher} -> {:cont, :done}
          end

        failure, :done ->
          {:halt, failure}
      end)
    end
  catch
    # The process of the bridge is not there, or does not come up.
    :exit, reason -> {:lost, %Error{code: :unavailable, message: "no bridge: #{inspect(reason)}"}}
  end

  defp ending({:ended, ending}), do: ending
  defp ending(other), do: {:lost, error(other)}

  defp error({:ended, {_kind, %Error{} = error}}), do: error
  defp error({:ended, :done}), do: %Error{code: :unavailable, message: "the stream ended"}
  defp error(:silence), do: %Error{code: :unavailable, message: "the host was silent for too long"}

  defp error(reason),
    do: %Error{code: :unavailable, message: "the reader ended: #{inspect(reason)}"}

  defp report(state, reason) do
    Logger.warning(
      "the watch of session #{state.session.id} is interrupted, and tries again: " <>
        Exception.message(error(reason))
    )
  end

  defp pause(failures, {shortest, longest}) do
    wait = min(shortest * Integer.pow(2, min(failures - 1, 20)), longest)
    wait - :rand.uniform(div(wait, 2) + 1) + 1
  end

  defp queue(state, updates), do: %{state | queue: Enum.reduce(updates, state.queue, &:queue.in/2)}

  # Sends what may be sent; then lets the reader go on, or ends.
  defp deliver(state) do
    case {state.demand, :queue.out(state.queue)} do
      {_, {:empty, _}} ->
        settle(state)

      {0, _} ->
        {:noreply, state}

      {demand, {{:value, %Update{} = update}, queue}} ->
        send(state.owner, {:bridge_host, self(), update})
        demand = if demand == :infinity, do: demand, else: demand - 1
        deliver(%{state | queue: queue, demand: demand})
    end
  end

  defp settle(%{ending: nil, holds_reader: true} = state) do
    send(state.reader, {:next, self()})
    {:noreply, alive(%{state | holds_reader: false})}
  end

  defp settle(%{ending: nil} = state), do: {:noreply, state}
  defp settle(%{ending: :over} = state), do: {:stop, :normal, state}

  defp settle(%{ending: {:error, error}} = state) do
    send(state.owner, {:bridge_host, self(), {:error, error}})
    {:stop, :normal, state}
  end

  # The host has to be heard of in time, as long as the reader is not kept from listening.
  defp alive(state) do
    state = quiet(state)
    patience = 3 * state.progress.heartbeat
    %{state | watchdog: Process.send_after(self(), {:silence, state.reader}, patience)}
  end

  defp quiet(%{watchdog: nil} = state), do: state

  defp quiet(state) do
    Process.cancel_timer(state.watchdog)
    %{state | watchdog: nil}
  end
end
