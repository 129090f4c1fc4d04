defmodule BridgeHost.Variable do
  @moduledoc """
  One version of a variable.

  * `version` counts the changes of this variable, from 1; `revision` is the session's.
  * `source` is who wrote this version; `metadata` what the writers said.
  * `constraints` is the map that the variable was registered with.
  * `optimizer` is the id of the optimizer that holds the variable, or nil.
  * `stale_since` is the revision at which something that this variable depends on changed after it was
    written; nil when it is up to date.
  """

  alias BridgeHost.{Error, JSON, Value, Wire}

  @type t :: %__MODULE__{
          id: String.t(),
          name: String.t(),
          type: Value.type(),
          value: Value.t(),
          version: pos_integer(),
          revision: non_neg_integer(),
          constraints: map(),
          metadata: %{optional(String.t()) => String.t()},
          source: :elixir | :python | :host | :plugin,
          updated_at: DateTime.t() | nil,
          optimizer: String.t() | nil,
          stale_since: pos_integer() | nil
        }

  defstruct [
    :id,
    :name,
    :type,
    :value,
    :version,
    :revision,
    :source,
    :updated_at,
    :optimizer,
    :stale_since,
    constraints: %{},
    metadata: %{}
  ]

  @sources %{ELIXIR: :elixir, PYTHON: :python, HOST: :host, PLUGIN: :plugin}

  @doc false
  @spec read(map()) :: {:ok, t()} | {:error, Error.t()}
  def read(variable) do
    with {:ok, type} <- Value.type(variable.type),
         {:ok, value} <- Value.decode(type, variable.value, variable.binary_value),
         {:ok, constraints} <- constraints(variable.constraints_json) do
      {:ok,
       %__MODULE__{
         id: variable.id,
         name: variable.name,
         type: type,
         value: value,
         version: variable.version,
         revision: variable.revision,
         constraints: constraints,
         metadata: variable.metadata,
         source: Map.get(@sources, variable.source, :host),
         updated_at: Wire.time(variable.last_updated_at),
         optimizer: optimizer(variable.optimization_status),
         stale_since: if(variable.stale_since_revision > 0, do: variable.stale_since_revision)
       }}
    end
  end

  defp constraints(""), do: {:ok, %{}}

  defp constraints(text) do
    with {:error, _reason} <- JSON.decode(text) do
      {:error, %Error{code: :internal, message: "the host sent constraints that are no JSON"}}
    end
  end

  defp optimizer(%{optimizing: true, optimizer_id: id}), do: id
  defp optimizer(_none), do: nil
end
