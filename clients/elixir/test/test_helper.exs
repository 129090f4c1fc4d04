alias BridgeHost.Test.{Host, JiffyJSON, PythonTransport}

unless Code.ensure_loaded?(Jason), do: Application.put_env(:bridge_host, :json, JiffyJSON)

# Tests against a host need one; without BRIDGE_HOST they are left out, and ExUnit says so.
exclude =
  if Host.program() do
    if Host.transport() == PythonTransport, do: {:ok, _} = PythonTransport.start_link(nil)
    []
  else
    [:host]
  end

IO.puts(
  "JSON by #{inspect(Application.get_env(:bridge_host, :json, Jason))}, " <>
    "hosts by #{if exclude == [], do: inspect(Host.transport()), else: "none: BRIDGE_HOST is not set"}"
)

ExUnit.start(exclude: exclude, assert_receive_timeout: 30_000, timeout: 120_000)
