defmodule BridgeHost.JSON do
  @moduledoc """
  The library that reads and writes JSON.

  It is Jason, or the module that the configuration names:

      config :bridge_host, json: MyApp.JSON

  Such a module has `encode!/1`, which answers iodata or a binary, and `decode/1`, which answers
  `{:ok, term}` or `{:error, reason}`. Objects are maps with text keys, null is nil, whole numbers are
  integers.
  """

  @doc "Encodes a term."
  @callback encode!(term()) :: iodata()

  @doc "Reads a text."
  @callback decode(binary()) :: {:ok, term()} | {:error, term()}

  @doc false
  @spec encode!(term()) :: binary()
  def encode!(term), do: IO.iodata_to_binary(library().encode!(term))

  @doc false
  @spec decode(binary()) :: {:ok, term()} | {:error, term()}
  def decode(text), do: library().decode(text)

  defp library, do: Application.get_env(:bridge_host, :json, Jason)
end
