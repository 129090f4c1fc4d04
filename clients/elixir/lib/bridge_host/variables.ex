defmodule BridgeHost.Variables do
  @moduledoc """
  The typed variables of a session.

  A variable is named by its name or its id. Every function takes `:timeout` in milliseconds; those that
  write take `:metadata`, a map of texts that goes with the change and into its updates (`"source"` names
  the writer). All return `{:error, BridgeHost.Error}` for what the host refuses; those with `!` raise it.

  What is written is seen by every read that begins after the write has returned.
  """

  alias BridgeHost.{Error, JSON, Session, Value, Variable, Wire}

  @typedoc "A variable's name or id."
  @type name :: String.t() | atom()

  @doc """
  Creates a variable.

  Options:

  * `:constraints` - a map such as `%{min: 0, max: 2}`; docs/protocol.md lists them by type.
  * `:if_exists` - what to do when the name is taken: `:error` (the default), `:return` the variable that is
    there as it is, or `:replace` it.
  * `:access` - who may change it, such as `%{writers: ["elixir"]}` or `%{read_only: true}`.
  * `:metadata`, `:timeout`
  """
  @spec register(Session.t(), name(), Value.type(), term(), keyword()) ::
          {:ok, Variable.t()} | {:error, Error.t()}
  def register(%Session{} = session, name, type, value, options \\ []) do
    {any, binary} = Value.encode(type, value)

    request = %{
      session_id: session.id,
      name: to_string(name),
      type: Atom.to_string(type),
      initial_value: any,
      initial_binary_value: binary,
      constraints_json: json(options[:constraints]),
      access_control_json: json(options[:access]),
      if_exists: if_exists(Keyword.get(options, :if_exists, :error)),
      metadata: metadata(options)
    }

    with {:ok, response} <- call(session, :register_variable, request, options) do
      Variable.read(response.variable)
    end
  end

  @doc "Like `register/5`, but raises `BridgeHost.Error`."
  @spec register!(Session.t(), name(), Value.type(), term(), keyword()) :: Variable.t()
  def register!(session, name, type, value, options \\ []),
    do: Error.ok!(register(session, name, type, value, options))

  @doc "Reads a variable. `:not_found` when there is none."
  @spec fetch(Session.t(), name(), keyword()) :: {:ok, Variable.t()} | {:error, Error.t()}
  def fetch(%Session{} = session, name, options \\ []) do
    request = %{session_id: session.id, variable_identifier: to_string(name)}

    with {:ok, response} <- call(session, :get_variable, request, options) do
      Variable.read(response.variable)
    end
  end

  @doc "Reads a variable's value alone. `:not_found` when there is none."
  @spec get(Session.t(), name(), keyword()) :: {:ok, Value.t()} | {:error, Error.t()}
  def get(session, name, options \\ []) do
    with {:ok, variable} <- fetch(session, name, options), do: {:ok, variable.value}
  end

  @doc "Like `get/3`, but raises `BridgeHost.Error`."
  @spec get!(Session.t(), name(), keyword()) :: Value.t()
  def get!(session, name, options \\ []), do: Error.ok!(get(session, name, options))

  @doc """
  Reads several variables at one revision. Those that are not there are missing in the map, whose keys are
  the identifiers that were asked for, as texts.
  """
  @spec fetch_many(Session.t(), [name()], keyword()) ::
          {:ok, %{optional(String.t()) => Variable.t()}} | {:error, Error.t()}
  def fetch_many(%Session{} = session, names, options \\ []) do
    request = %{
      session_id: session.id,
      variable_identifiers: Enum.map(names, &to_string/1),
      include_metadata: true
    }

    with {:ok, response} <- call(session, :get_variables, request, options) do
      Enum.reduce_while(response.variables, {:ok, %{}}, fn {name, variable}, {:ok, read} ->
        case Variable.read(variable) do
          {:ok, variable} -> {:cont, {:ok, Map.put(read, name, variable)}}
          error -> {:halt, error}
        end
      end)
    end
  end

  @doc """
  Lists variables, the oldest first. In the pattern `*` stands for any run of characters; all are listed
  without one.
  """
  @spec list(Session.t(), String.t(), keyword()) :: {:ok, [Variable.t()]} | {:error, Error.t()}
  def list(%Session{} = session, pattern \\ "", options \\ []) do
    request = %{session_id: session.id, pattern: pattern}

    with {:ok, response} <- call(session, :list_variables, request, options) do
      all(response.variables, &Variable.read/1)
    end
  end

  @doc """
  Writes a variable. Answers its new version.

  * `:version` - write only if the variable still has this version; else the error is `:aborted`, and
    nothing is written.
  * `:constraints` - replaces the constraints in the same change.
  * `:metadata`, `:timeout`
  """
  @spec put(Session.t(), name(), term(), keyword()) ::
          {:ok, pos_integer()} | {:error, Error.t()}
  def put(%Session{} = session, name, value, options \\ []) do
    {any, binary} = Value.encode(value)

    request = %{
      session_id: session.id,
      variable_identifier: to_string(name),
      value: any,
      binary_value: binary,
      expected_version: Keyword.get(options, :version, 0),
      metadata: metadata(options)
    }

    request =
      case options[:constraints] do
        nil -> request
        constraints -> Map.put(request, :constraints_json, JSON.encode!(constraints))
      end

    with {:ok, response} <- call(session, :set_variable, request, options) do
      {:ok, response.new_version}
    end
  end

  @doc "Like `put/4`, but raises `BridgeHost.Error`."
  @spec put!(Session.t(), name(), term(), keyword()) :: pos_integer()
  def put!(session, name, value, options \\ []),
    do: Error.ok!(put(session, name, value, options))

  @doc """
  Writes several variables: all at one revision, or none.

  `:versions` is a map of versions that the variables must still have. When one write is refused the error
  has a message for each identifier to blame, also in its metadata.
  """
  @spec put_many(Session.t(), Enumerable.t(), keyword()) ::
          {:ok, %{optional(String.t()) => pos_integer()}} | {:error, Error.t()}
  def put_many(%Session{} = session, values, options \\ []) do
    encoded = Map.new(values, fn {name, value} -> {to_string(name), Value.encode(value)} end)

    request = %{
      session_id: session.id,
      updates: Map.new(encoded, fn {name, {any, _}} -> {name, any} end),
      binary_updates:
        for({name, {_, binary}} when binary != "" <- encoded, into: %{}, do: {name, binary}),
      expected_versions:
        Map.new(Keyword.get(options, :versions, %{}), fn {name, version} ->
          {to_string(name), version}
        end),
      atomic: true,
      metadata: metadata(options)
    }

    with {:ok, response} <- call(session, :set_variables, request, options) do
      if response.success do
        {:ok, response.new_versions}
      else
        message = Enum.map_join(response.errors, "; ", fn {name, why} -> "#{name}: #{why}" end)
        {:error, %Error{code: :invalid_argument, message: message, metadata: response.errors}}
      end
    end
  end

  @doc """
  Changes a variable by a function of its value, and loses no other writer's change: when one comes between,
  the function is called again with what that has left.

      {:ok, 3} = BridgeHost.Variables.update(session, "count", &(&1 + 1))

  Answers the value that was written. `:metadata` and `:timeout` (of each call) as in `put/4`.
  """
  @spec update(Session.t(), name(), (Value.t() -> term()), keyword()) ::
          {:ok, term()} | {:error, Error.t()}
  def update(%Session{} = session, name, change, options \\ []) when is_function(change, 1) do
    with {:ok, variable} <- fetch(session, name, Keyword.take(options, [:timeout])) do
      value = change.(variable.value)

      # By the id: a variable that was deleted and made anew has versions of its own.
      case put(session, variable.id, value, Keyword.put(options, :version, variable.version)) do
        {:ok, _version} -> {:ok, value}
        {:error, %Error{code: :aborted}} -> update(session, name, change, options)
        error -> error
      end
    end
  end

  @doc "Removes a variable. `:not_found` when there is none."
  @spec delete(Session.t(), name(), keyword()) :: :ok | {:error, Error.t()}
  def delete(%Session{} = session, name, options \\ []) do
    request = %{
      session_id: session.id,
      variable_identifier: to_string(name),
      metadata: metadata(options)
    }

    with {:ok, _response} <- call(session, :delete_variable, request, options), do: :ok
  end

  @typedoc "A version that the host still holds."
  @type entry :: %{
          version: pos_integer(),
          value: Value.t(),
          at: DateTime.t() | nil,
          by: String.t(),
          metadata: %{optional(String.t()) => String.t()},
          revision: non_neg_integer()
        }

  @doc "Reads the versions that the host still holds, the newest first; at most `:limit`."
  @spec history(Session.t(), name(), keyword()) :: {:ok, [entry()]} | {:error, Error.t()}
  def history(%Session{} = session, name, options \\ []) do
    request = %{
      session_id: session.id,
      variable_identifier: to_string(name),
      limit: Keyword.get(options, :limit, 0)
    }

    with {:ok, variable} <- fetch(session, name, Keyword.take(options, [:timeout])),
         {:ok, response} <- call(session, :get_variable_history, request, options) do
      all(response.entries, &entry(variable.type, &1))
    end
  end

  @doc """
  Writes the value of an earlier version as a new one. `:out_of_range` when the host no longer holds it,
  `:invalid_argument` when there was none.
  """
  @spec rollback(Session.t(), name(), pos_integer(), keyword()) ::
          {:ok, Variable.t()} | {:error, Error.t()}
  def rollback(%Session{} = session, name, version, options \\ []) do
    request = %{
      session_id: session.id,
      variable_identifier: to_string(name),
      target_version: version,
      metadata: metadata(options)
    }

    with {:ok, response} <- call(session, :rollback_variable, request, options) do
      Variable.read(response.variable)
    end
  end

  # Large arrays come as bytes to those who say that they read them.
  defp call(session, rpc, request, options) do
    BridgeHost.call(session.bridge, rpc, request, options, Wire.accept())
  end

  defp entry(type, entry) do
    with {:ok, value} <- Value.decode(type, entry.value, entry.binary_value) do
      {:ok,
       %{
         version: entry.version,
         value: value,
         at: Wire.time(entry.timestamp),
         by: entry.changed_by,
         metadata: entry.metadata,
         revision: entry.revision
       }}
    end
  end

  defp all(elements, read) do
    Enum.reduce_while(Enum.reverse(elements), {:ok, []}, fn element, {:ok, done} ->
      case read.(element) do
        {:ok, value} -> {:cont, {:ok, [value | done]}}
        error -> {:halt, error}
      end
    end)
  end

  defp metadata(options), do: Wire.texts(Keyword.get(options, :metadata, %{}))

  defp json(nil), do: ""
  defp json(map), do: JSON.encode!(map)

  defp if_exists(:error), do: :FAIL
  defp if_exists(:return), do: :RETURN
  defp if_exists(:replace), do: :REPLACE
end
