defmodule BridgeHost.Session do
  @moduledoc """
  A session of a host: a space of variables, which ends when nobody has used it for a while.

  The struct is only a handle, its id and the connection: it can be copied, stored in a process's state,
  and given to other processes.
  """

  alias BridgeHost.{Error, Wire}

  @type t :: %__MODULE__{bridge: BridgeHost.t(), id: String.t()}

  @enforce_keys [:bridge, :id]
  defstruct [:bridge, :id]

  @typedoc """
  * `:metadata` - a map of texts to keep with a new session.
  * `:ttl` - seconds of idleness after which a new session ends; the host's default if not said.
  * `:new` - true asks for a session that is not there yet; else an existing one is taken as it is.
  * `:timeout` - milliseconds for the call.
  """
  @type option ::
          {:metadata, Enumerable.t()}
          | {:ttl, pos_integer()}
          | {:new, boolean()}
          | {:timeout, timeout()}

  @typedoc "What `info/2` answers. Bytes are estimates; times are nil where the host says none."
  @type info :: %{
          id: String.t(),
          metadata: %{optional(String.t()) => String.t()},
          variables: non_neg_integer(),
          tools: non_neg_integer(),
          watches: non_neg_integer(),
          revision: non_neg_integer(),
          epoch: String.t(),
          ttl: non_neg_integer(),
          created_at: DateTime.t() | nil,
          last_used_at: DateTime.t() | nil,
          bytes: non_neg_integer()
        }

  @doc "Creates a session, or takes the one that is there."
  @spec open(BridgeHost.t(), String.t(), [option()]) :: {:ok, t()} | {:error, Error.t()}
  def open(bridge, id, options \\ []) do
    request = %{
      session_id: id,
      metadata: Wire.texts(Keyword.get(options, :metadata, %{})),
      config: %{ttl_seconds: Keyword.get(options, :ttl, 0)},
      must_not_exist: Keyword.get(options, :new, false)
    }

    with {:ok, response} <- BridgeHost.call(bridge, :initialize_session, request, options) do
      if response.success do
        {:ok, %__MODULE__{bridge: bridge, id: id}}
      else
        {:error, %Error{code: :unknown, message: response.error_message}}
      end
    end
  end

  @doc "Like `open/3`, but raises `BridgeHost.Error`."
  @spec open!(BridgeHost.t(), String.t(), [option()]) :: t()
  def open!(bridge, id, options \\ []), do: Error.ok!(open(bridge, id, options))

  @doc "Describes the session. `:not_found` when there is none."
  @spec info(t(), keyword()) :: {:ok, info()} | {:error, Error.t()}
  def info(%__MODULE__{} = session, options \\ []) do
    request = %{session_id: session.id}

    with {:ok, response} <- BridgeHost.call(session.bridge, :get_session, request, options) do
      {:ok,
       %{
         id: response.session_id,
         metadata: response.metadata,
         variables: response.variable_count,
         tools: response.tool_count,
         watches: response.watch_count,
         revision: response.revision,
         epoch: response.epoch,
         ttl: response.ttl_seconds,
         created_at: Wire.time(response.created_at),
         last_used_at: Wire.time(response.last_used_at),
         bytes: response.value_bytes
       }}
    end
  end

  @doc "Uses the session, so that it does not end for being idle. False when it has ended."
  @spec heartbeat(t(), keyword()) :: {:ok, boolean()} | {:error, Error.t()}
  def heartbeat(%__MODULE__{} = session, options \\ []) do
    request = %{session_id: session.id}

    with {:ok, response} <- BridgeHost.call(session.bridge, :heartbeat, request, options) do
      {:ok, response.session_valid}
    end
  end

  @doc """
  Ends the session with all its variables; its watches are told. Ending one that is not there is success.

  Answers how many variables and watches were freed.
  """
  @spec close(t(), keyword()) :: {:ok, non_neg_integer()} | {:error, Error.t()}
  def close(%__MODULE__{} = session, options \\ []) do
    request = %{session_id: session.id, force: true}

    with {:ok, response} <- BridgeHost.call(session.bridge, :cleanup_session, request, options) do
      {:ok, response.resources_cleaned}
    end
  end
end
