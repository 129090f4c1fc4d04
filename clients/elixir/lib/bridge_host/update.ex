defmodule BridgeHost.Update do
  @moduledoc """
  What a watch tells.

  `type` is one of

  * `:initial_value` - the value that a variable has where the watch begins.
  * `:synced` - all initial values have been told, or a watch that resumed has caught up.
  * `:value_change`, `:constraint_change`, `:deleted` - a change. A new variable is a `:value_change` with
    version 1.
  * `:optimization_change`, `:dependency_change` - a variable was locked or released; something that it
    depends on, `caused_by`, has changed.
  * `:gap` - the host no longer had all changes between `revision` and the present (it was restarted, or the
    watch was away for too long); `cause` says why. The present values follow as initial values up to
    `:synced`; variables that are not among them are gone.
  * `:session_closed` - the session has ended, `cause` says how. Nothing follows.
  * `{:other, name}` - something that this version of the package does not know.

  `revision` is the session's after this change. `more` is true when further updates of the same atomic batch
  follow. `old` is the value before, nil for a new variable; `skipped` counts earlier changes that a
  conflating watch left out.
  """

  alias BridgeHost.{Error, Value, Variable, Wire}

  @typedoc "What kind of update it is."
  @type type ::
          :initial_value
          | :synced
          | :value_change
          | :constraint_change
          | :deleted
          | :optimization_change
          | :dependency_change
          | :gap
          | :session_closed
          | {:other, String.t()}

  @type t :: %__MODULE__{
          type: type(),
          name: String.t() | nil,
          variable: Variable.t() | nil,
          old: Value.t() | nil,
          revision: non_neg_integer(),
          source: String.t(),
          metadata: %{optional(String.t()) => String.t()},
          cause: String.t(),
          caused_by: String.t(),
          more: boolean(),
          skipped: non_neg_integer(),
          at: DateTime.t() | nil
        }

  defstruct [
    :type,
    :name,
    :variable,
    :old,
    :at,
    revision: 0,
    source: "",
    metadata: %{},
    cause: "",
    caused_by: "",
    more: false,
    skipped: 0
  ]

  @types ~w(initial_value synced value_change constraint_change deleted optimization_change
            dependency_change session_closed)a
         |> Map.new(&{Atom.to_string(&1), &1})

  @doc false
  @spec read(map()) :: {:ok, t()} | {:error, Error.t()}
  def read(update) do
    with {:ok, variable} <- variable(update.variable),
         {:ok, old} <- old(variable, update) do
      {:ok,
       %__MODULE__{
         type: Map.get(@types, update.update_type, {:other, update.update_type}),
         name: variable && variable.name,
         variable: variable,
         old: old,
         revision: update.revision,
         source: update.update_source,
         metadata: update.update_metadata,
         cause: update.cause,
         caused_by: update.caused_by,
         more: update.more_in_revision,
         skipped: update.skipped,
         at: Wire.time(update.timestamp)
       }}
    end
  end

  defp variable(nil), do: {:ok, nil}
  defp variable(variable), do: Variable.read(variable)

  defp old(nil, _update), do: {:ok, nil}
  defp old(_variable, %{old_value: nil}), do: {:ok, nil}

  defp old(variable, update),
    do: Value.decode(variable.type, update.old_value, update.old_binary_value)
end
