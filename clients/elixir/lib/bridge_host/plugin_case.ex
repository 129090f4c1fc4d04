defmodule BridgeHost.PluginCase do
  @moduledoc """
  A case template for tests of plugins: each test has a `BridgeHost.TestHost` of its own.

      defmodule WeatherTest do
        use BridgeHost.PluginCase, async: true, plugins: ["./libweather.so"]

        test "warm days", %{host: host} do
          TestHost.define!(host, "temperature", :float, 21.5)
          assert TestHost.call!(host, "forecast", days: 3)["result"] == "warm"
        end

        @tag clock: :sleeping
        test "an hour", %{host: host} do
          ...
        end
      end

  The options are those of `BridgeHost.TestHost.start_link/1`; tags `plugins`, `clock` and `program` of a test
  stand above them. A rule of the ABI that was broken outside of calls fails the test.
  """

  alias BridgeHost.TestHost

  defmacro __using__(options) do
    {async, options} = Keyword.pop(options, :async, false)

    quote do
      use ExUnit.Case, async: unquote(async)

      alias BridgeHost.TestHost

      @plugin_case_options unquote(options)

      setup context do
        BridgeHost.PluginCase.start(@plugin_case_options, context)
      end
    end
  end

  @doc false
  def start(options, context) do
    options =
      Keyword.merge(options, context |> Map.take([:plugins, :clock, :program]) |> Keyword.new())

    # Not the test's child: it is asked after the test.
    {:ok, host} = GenServer.start(TestHost, options)

    ExUnit.Callbacks.on_exit(fn ->
      broken = if Process.alive?(host), do: violations(host), else: []
      if Process.alive?(host), do: GenServer.stop(host)

      if broken != [] do
        raise "rules of the ABI were broken: " <> Enum.map_join(broken, "; ", & &1["message"])
      end
    end)

    %{host: host}
  end

  defp violations(host) do
    TestHost.violations!(host)
  rescue
    # A test may be about a plugin that ends the host.
    TestHost.Error -> []
  end
end
