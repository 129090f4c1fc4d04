defmodule BridgeHost.MixProject do
  use Mix.Project

  @version "0.1.0"
  @libraries [:telemetry, :grpc, :gun, :protobuf, :jason]

  def project do
    [
      app: :bridge_host,
      version: @version,
      elixir: "~> 1.14",
      description: "A client of bridge-host: sessions, typed variables, watches and tools.",
      elixirc_paths: elixirc_paths(Mix.env()),
      # Else what ERL_LIBS names is out of sight.
      prune_code_paths: not without_hex?(),
      # JSON of the tests where there is no Jason: a package of Debian.
      xref: [exclude: [:jiffy]],
      deps: deps(),
      package: package(),
      docs: [main: "readme", extras: ["README.md"]]
    ]
  end

  def application do
    [extra_applications: [:logger] ++ if(without_hex?() and grpc?(), do: @libraries, else: [])] ++
      if(grpc?(), do: [mod: {BridgeHost.Application, []}], else: [])
  end

  # A machine without Hex has what its distribution packages, and whatever ERL_LIBS names. The folder
  # lib_grpc needs elixir-grpc; without that everything else is compiled and tested.
  defp without_hex?, do: System.get_env("BRIDGE_HOST_WITHOUT_HEX") == "1"

  defp grpc?, do: not without_hex?() or Code.ensure_loaded?(GRPC.Stub)

  defp elixirc_paths(env) do
    ["lib"] ++
      if(grpc?(), do: ["lib_grpc"], else: []) ++ if(env == :test, do: ["test/support"], else: [])
  end

  defp deps do
    if without_hex?() do
      []
    else
      [
        {:grpc, "~> 0.9 or ~> 1.0"},
        {:gun, "~> 2.0"},
        {:protobuf, "~> 0.14"},
        {:jason, "~> 1.2"},
        {:ex_doc, "~> 0.30", only: :dev, runtime: false}
      ]
    end
  end

  defp package do
    [
      licenses: ["Apache-2.0"],
      files: ~w(lib lib_grpc priv mix.exs README.md .formatter.exs),
      links: %{}
    ]
  end
end
