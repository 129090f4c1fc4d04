defmodule BridgeHost.Wire do
  @moduledoc false
  # Small things of the protocol that several modules need.

  @spec time(nil | %{seconds: integer(), nanos: integer()}) :: DateTime.t() | nil
  def time(nil), do: nil

  def time(%{seconds: seconds, nanos: nanos}) do
    DateTime.from_unix!(seconds * 1_000_000 + div(nanos, 1000), :microsecond)
  end

  # The metadata of a call that reads large arrays as bytes.
  @spec accept() :: %{optional(String.t()) => String.t()}
  def accept, do: %{"accept-binary" => "raw"}

  # Texts of a map or keyword list of metadata.
  @spec texts(Enumerable.t()) :: %{optional(String.t()) => String.t()}
  def texts(pairs), do: Map.new(pairs, fn {key, value} -> {to_string(key), to_string(value)} end)
end
