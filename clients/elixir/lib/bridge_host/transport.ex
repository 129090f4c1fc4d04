defmodule BridgeHost.Transport do
  @moduledoc """
  What carries calls to a host: `BridgeHost.Transport.GRPC`, or a stand-in for tests.

  A method is its RPC's name as an atom, such as `:set_variable`. A request is a map with the field names
  of `bridge.proto`; fields that are left out have their defaults. A response is a map or struct with all
  fields of its message: texts and bytes are binaries, enums atoms, messages maps or structs, those that
  are absent nil. An `Any` is a map with `type_url` and `value`.
  """

  alias BridgeHost.Error

  @typedoc "A connection, whatever a transport takes for one."
  @type channel :: term()

  @typedoc "The name of an RPC."
  @type rpc :: atom()

  @typedoc """
  What went wrong. `:lost` says that the connection is of no use any more; its error has the code
  `:unavailable`.
  """
  @type failure :: {:error, Error.t()} | {:lost, Error.t()}

  @typedoc """
  Of a call: `timeout` in milliseconds or `:infinity`, and `metadata`, a map of texts that travel as
  gRPC metadata.
  """
  @type call_options :: [timeout: timeout(), metadata: %{optional(String.t()) => String.t()}]

  @doc """
  Connects, for the calling process and others. Options are `:token` and `:tls` of
  `BridgeHost.start_link/1`. The connection is closed when the calling process ends.
  """
  @callback connect(address :: String.t(), options :: keyword()) ::
              {:ok, channel()} | {:error, Error.t()}

  @doc "Closes a connection; calls that run end."
  @callback disconnect(channel()) :: :ok

  @doc "Makes a call with one response."
  @callback call(channel(), rpc(), request :: map(), call_options()) :: {:ok, map()} | failure()

  @doc """
  Makes a call with many responses. It returns when the host has begun to answer; each element is a
  response or, as the last one, a failure. The calling process enumerates, once.
  """
  @callback stream(channel(), rpc(), request :: map(), call_options()) ::
              {:ok, Enumerable.t()} | failure()
end
