defmodule BridgeHost.Test.JiffyJSON do
  @moduledoc false
  # JSON by Debian's erlang-jiffy, where there is no Jason.
  @behaviour BridgeHost.JSON
  @compile {:no_warn_undefined, :jiffy}

  @impl true
  def encode!(term), do: :jiffy.encode(term, [:use_nil])

  @impl true
  def decode(text) do
    {:ok, :jiffy.decode(text, [:return_maps, :use_nil])}
  rescue
    error in ErlangError -> {:error, error.original}
  catch
    _, reason -> {:error, reason}
  end
end
