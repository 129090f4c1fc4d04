defmodule BridgeHost.Tool do
  @moduledoc """
  What a tool is and takes.

  `metadata` says `"plugin"`, and `"read_only"`, `"destructive"` and `"idempotent"` where the tool declares
  them. `schema` is the JSON Schema of the parameters, or nil.
  """

  alias BridgeHost.{JSON, Value}

  @typedoc "A parameter; its type is that of a variable, or object, array, bytes or any."
  @type parameter :: %{
          name: String.t(),
          type: String.t(),
          description: String.t(),
          required: boolean(),
          default: term(),
          constraints: map()
        }

  @type t :: %__MODULE__{
          name: String.t(),
          description: String.t(),
          parameters: [parameter()],
          streams: boolean(),
          variables: [String.t()],
          metadata: %{optional(String.t()) => String.t()},
          schema: map() | nil
        }

  defstruct [
    :name,
    :description,
    :schema,
    parameters: [],
    streams: false,
    variables: [],
    metadata: %{}
  ]

  @doc false
  @spec read(map()) :: t()
  def read(spec) do
    %__MODULE__{
      name: spec.name,
      description: spec.description,
      parameters: Enum.map(spec.parameters, &parameter/1),
      streams: spec.supports_streaming,
      variables: spec.required_variables,
      metadata: spec.metadata,
      schema: object(spec.input_schema_json, nil)
    }
  end

  defp parameter(spec) do
    %{
      name: spec.name,
      type: spec.type,
      description: spec.description,
      required: spec.required,
      default: default(spec.default_value),
      constraints: object(spec.validation_json, %{})
    }
  end

  defp default(nil), do: nil

  defp default(any) do
    case Value.decode(any, "") do
      {:ok, value} -> value
      {:error, _} -> nil
    end
  end

  defp object(text, otherwise) do
    case JSON.decode(text) do
      {:ok, object} when is_map(object) -> object
      _ -> otherwise
    end
  end
end
