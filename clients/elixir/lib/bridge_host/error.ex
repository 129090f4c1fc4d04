defmodule BridgeHost.Error do
  @moduledoc """
  What went wrong with a call.

  Functions of this package return it in `{:error, error}`; those with `!` raise it.

  * `code` - the gRPC status as an atom, such as `:not_found`. `:unavailable` also stands for a
    connection that could not be made or was lost; then nobody knows whether the host has done what it
    was asked to do. A tool that fails has the code it gave.
  * `message` - a sentence with what was wrong and with which value.
  * `reason` - the host's own name of the error, such as `"VARIABLE_NOT_FOUND"` (docs/limits.md lists
    them); nil where the gRPC library does not hand details over (elixir-grpc before 0.11).
  * `metadata` - facts such as `%{"current_version" => "3"}`; of a tool that failed, its metadata.
  """

  @typedoc "A gRPC status other than OK."
  @type code ::
          :cancelled
          | :unknown
          | :invalid_argument
          | :deadline_exceeded
          | :not_found
          | :already_exists
          | :permission_denied
          | :resource_exhausted
          | :failed_precondition
          | :aborted
          | :out_of_range
          | :unimplemented
          | :internal
          | :unavailable
          | :data_loss
          | :unauthenticated

  @type t :: %__MODULE__{
          code: code(),
          message: String.t(),
          reason: String.t() | nil,
          metadata: %{optional(String.t()) => String.t()}
        }

  defexception code: :unknown, message: "", reason: nil, metadata: %{}

  @codes ~w(cancelled unknown invalid_argument deadline_exceeded not_found already_exists
            permission_denied resource_exhausted failed_precondition aborted out_of_range
            unimplemented internal unavailable data_loss unauthenticated)a
         |> Enum.with_index(1)
         |> Map.new(fn {code, number} -> {number, code} end)

  @doc """
  The code of a status number; `:unknown` for numbers that gRPC does not define.

      iex> BridgeHost.Error.code(5)
      :not_found
      iex> BridgeHost.Error.code(99)
      :unknown
  """
  @spec code(integer()) :: code()
  def code(number), do: Map.get(@codes, number, :unknown)

  @impl true
  def message(%__MODULE__{} = error) do
    case error.reason do
      nil -> "#{error.code}: #{error.message}"
      reason -> "#{error.code} (#{reason}): #{error.message}"
    end
  end

  @doc false
  @spec ok!(:ok | {:ok, value} | {:error, t()}) :: value | :ok when value: term()
  def ok!(:ok), do: :ok
  def ok!({:ok, value}), do: value
  def ok!({:error, %__MODULE__{} = error}), do: raise(error)
end
