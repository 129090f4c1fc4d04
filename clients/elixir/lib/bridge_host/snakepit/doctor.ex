defmodule BridgeHost.Snakepit.Doctor do
  @moduledoc """
  Takes the place of Snakepit's check for Python.

  Snakepit 0.6.8 to 0.8 look for a working Python at every start, whatever adapter is used:

      config :snakepit, env_doctor_module: BridgeHost.Snakepit.Doctor

  asks for bridge-host instead. Later versions look for Python only when their own adapter is used.
  """

  @doc "Raises when the worker's program is not there."
  @spec ensure_python!(keyword()) :: :ok
  def ensure_python!(_options \\ []) do
    executable = BridgeHost.Snakepit.executable_path()

    if System.find_executable(executable) do
      :ok
    else
      raise "#{executable} is no program: see `config :bridge_host, :worker`"
    end
  end
end
