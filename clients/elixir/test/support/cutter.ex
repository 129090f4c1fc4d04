defmodule BridgeHost.Test.Cutter do
  @moduledoc false
  # Stands between clients and a host, and cuts their connections.

  use GenServer

  def start_link(target), do: GenServer.start_link(__MODULE__, target)

  def address(cutter), do: GenServer.call(cutter, :address)

  # Cuts all connections of this moment.
  def cut(cutter), do: GenServer.call(cutter, :cut)

  # How many connections were cut.
  def cuts(cutter), do: GenServer.call(cutter, :cuts)

  @impl true
  def init(target) do
    [ip, port] = String.split(target, ":")
    {:ok, ip} = :inet.parse_address(String.to_charlist(ip))
    {:ok, listener} = :gen_tcp.listen(0, [:binary, ip: {127, 0, 0, 1}, active: false])
    {:ok, listening} = :inet.port(listener)
    cutter = self()
    target = {ip, String.to_integer(port)}
    spawn_link(fn -> accept(cutter, listener, target) end)
    {:ok, %{port: listening, pairs: [], cuts: 0}}
  end

  @impl true
  def handle_call(:address, _from, state), do: {:reply, "127.0.0.1:#{state.port}", state}
  def handle_call(:cuts, _from, state), do: {:reply, state.cuts, state}

  def handle_call(:cut, _from, state) do
    for {one, other} <- state.pairs do
      :gen_tcp.close(one)
      :gen_tcp.close(other)
    end

    {:reply, :ok, %{state | cuts: state.cuts + length(state.pairs), pairs: []}}
  end

  def handle_call({:pair, pair}, _from, state),
    do: {:reply, :ok, %{state | pairs: [pair | state.pairs]}}

  defp accept(cutter, listener, {ip, port} = target) do
    {:ok, one} = :gen_tcp.accept(listener)
    {:ok, other} = :gen_tcp.connect(ip, port, [:binary, active: false])
    :ok = GenServer.call(cutter, {:pair, {one, other}})
    spawn(fn -> pass(one, other) end)
    spawn(fn -> pass(other, one) end)
    accept(cutter, listener, target)
  end

  defp pass(from, to) do
    with {:ok, data} <- :gen_tcp.recv(from, 0), :ok <- :gen_tcp.send(to, data) do
      pass(from, to)
    else
      _ ->
        :gen_tcp.close(from)
        :gen_tcp.close(to)
    end
  end
end
