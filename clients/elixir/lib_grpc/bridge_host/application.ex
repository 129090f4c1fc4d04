defmodule BridgeHost.Application do
  @moduledoc false
  # elixir-grpc 0.11 leaves it to applications to start the supervisor of its connections. Earlier versions
  # have none, later ones start it themselves.

  use Application

  @impl true
  def start(_type, _arguments) do
    children =
      if Code.ensure_loaded?(GRPC.Client.Supervisor), do: [GRPC.Client.Supervisor], else: []

    Supervisor.start_link(children, strategy: :one_for_one)
  end
end
