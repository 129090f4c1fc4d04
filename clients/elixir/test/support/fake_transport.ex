defmodule BridgeHost.Test.FakeTransport do
  @moduledoc false
  # A transport whose other side is the test: it gets each call as a message and answers it.
  #
  #     {:connect, call, options}   {:call, call, rpc, request}   {:stream, call, rpc, request}
  #     {:disconnect, channel}
  #
  # `reply/2` answers a call; after `{:ok, :begun}` a stream takes what `emit/2` says: `{:ok, message}`,
  # `{:error, error}`, `{:lost, error}` or `:done`.

  @behaviour BridgeHost.Transport

  # The address that leads to a process.
  def address(pid \\ self()), do: pid |> :erlang.term_to_binary() |> Base.encode64()

  def reply({pid, tag}, answer), do: send(pid, {tag, answer})
  def emit({pid, tag}, element), do: send(pid, {tag, element})

  # The process that waits in a call.
  def caller({pid, _tag}), do: pid

  @impl true
  def connect(address, options) do
    test = address |> Base.decode64!() |> :erlang.binary_to_term()
    with :ok <- ask(test, &{:connect, &1, options}), do: {:ok, {test, make_ref()}}
  end

  @impl true
  def disconnect({test, _} = channel) do
    send(test, {:disconnect, channel})
    :ok
  end

  @impl true
  def call({test, _}, rpc, request, _options), do: ask(test, &{:call, &1, rpc, request})

  @impl true
  def stream({test, _}, rpc, request, _options) do
    tag = make_ref()
    send(test, {:stream, {self(), tag}, rpc, request})

    case next(test, tag) do
      {:ok, :begun} -> {:ok, Stream.unfold(tag, &element(test, &1))}
      failure -> failure
    end
  end

  defp element(_test, nil), do: nil

  defp element(test, tag) do
    case next(test, tag) do
      {:ok, message} -> {{:ok, message}, tag}
      :done -> nil
      failure -> {failure, nil}
    end
  end

  defp ask(test, message) do
    tag = make_ref()
    send(test, message.({self(), tag}))
    next(test, tag)
  end

  # A test that has ended answers nothing more.
  defp next(test, tag) do
    monitor = Process.monitor(test)

    receive do
      {^tag, answer} ->
        Process.demonitor(monitor, [:flush])
        answer

      {:DOWN, ^monitor, :process, ^test, _} ->
        exit(:shutdown)
    end
  end
end
