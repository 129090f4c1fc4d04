defmodule BridgeHost.Watch.Progress do
  @moduledoc false
  # What a watch has seen, and how it goes on: a state machine without processes.
  #
  #     snapshot -> changes -> over
  #        ^           |
  #        +--- gap ---+
  #
  # Updates are handed out where the watch could resume: all initial values together, with `synced`, and
  # all updates of one revision together. So a connection that is lost in between takes nothing with it
  # that has been handed out, and nothing is handed out twice.

  alias BridgeHost.{Error, Update}

  defstruct session_id: nil,
            names: [],
            initial: true,
            conflate: false,
            heartbeat: 30_000,
            on_gap: :restart,
            phase: :snapshot,
            shows_snapshot: true,
            epoch: "",
            revision: 0,
            held: [],
            failures: 0

  @type t :: %__MODULE__{}

  @type ending :: {:error, Error.t()} | {:lost, Error.t()} | :done

  # A new watch. Options: names, initial, conflate, heartbeat, on_gap.
  @spec new(String.t(), keyword()) :: t()
  def new(session_id, options) do
    progress = struct!(%__MODULE__{session_id: session_id}, options)
    %{progress | shows_snapshot: progress.initial}
  end

  # The request that continues it. The present values are asked for even if nobody wants to see them: with
  # them comes the revision from which to resume.
  @spec request(t()) :: map()
  def request(%__MODULE__{} = progress) do
    request = %{
      session_id: progress.session_id,
      variable_identifiers: progress.names,
      heartbeat_interval_ms: progress.heartbeat,
      conflate: progress.conflate,
      include_synced: true
    }

    case progress.phase do
      :snapshot ->
        Map.put(request, :include_initial_values, true)

      :changes ->
        Map.merge(request, %{start_revision: progress.revision, epoch: progress.epoch})
    end
  end

  # Takes what the host has sent. `:over` when nothing follows.
  @spec message(t(), map()) :: {:ok | :over, [Update.t()], t()} | {:stop, Error.t()}
  def message(%__MODULE__{} = progress, message) do
    progress = %{progress | failures: 0}

    case message.update_type do
      "heartbeat" -> {:ok, [], at(progress, message)}
      "synced" -> synced(progress, message)
      type -> change(progress, type, message)
    end
  end

  defp synced(%{phase: :changes} = progress, message), do: {:ok, [], at(progress, message)}

  defp synced(progress, message) do
    with {:ok, update} <- Update.read(message) do
      shown = if progress.shows_snapshot, do: Enum.reverse([update | progress.held]), else: []
      {:ok, shown, %{at(progress, message) | phase: :changes, held: []}}
    else
      {:error, error} -> {:stop, error}
    end
  end

  defp change(progress, type, message) do
    with {:ok, update} <- Update.read(message) do
      held = [update | progress.held]

      cond do
        type == "session_closed" -> {:over, [update], %{progress | held: []}}
        progress.phase == :snapshot or update.more -> {:ok, [], %{progress | held: held}}
        true -> {:ok, Enum.reverse(held), %{at(progress, message) | held: []}}
      end
    else
      {:error, error} -> {:stop, error}
    end
  end

  # Takes the end of a stream.
  @spec ended(t(), ending()) :: {:retry, [Update.t()], t()} | {:stop, Error.t()}
  def ended(%__MODULE__{} = progress, ending) do
    progress = %{progress | held: []}

    case {ending, progress.phase} do
      {{:error, %Error{code: code}}, :snapshot} when code == :out_of_range ->
        again(progress, [])

      {{:error, %Error{code: code} = error}, :changes}
      when code in [:out_of_range, :failed_precondition] ->
        gap(progress, error)

      {{:error, %Error{code: code}}, _phase}
      when code in [:unavailable, :cancelled, :deadline_exceeded, :resource_exhausted] ->
        again(progress, [])

      {{:error, error}, _phase} ->
        {:stop, error}

      {_lost_or_done, _phase} ->
        again(progress, [])
    end
  end

  defp again(progress, updates) do
    {:retry, updates, %{progress | failures: progress.failures + 1}}
  end

  defp gap(%{on_gap: :stop}, error), do: {:stop, error}

  defp gap(progress, error) do
    update = %Update{type: :gap, revision: progress.revision, cause: error.message}
    again(%{progress | phase: :snapshot, shows_snapshot: true, epoch: "", revision: 0}, [update])
  end

  # Everything up to the message's revision has been handed out.
  defp at(progress, message), do: %{progress | revision: message.revision, epoch: message.epoch}
end
