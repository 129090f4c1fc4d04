defmodule BridgeHost.Value do
  @moduledoc """
  The types of variables, and their values as terms.

  | type | term |
  |---|---|
  | `:float` | float; `:nan`, `:infinity`, `:neg_infinity` |
  | `:integer` | integer of 64 bits |
  | `:string`, `:choice`, `:module` | binary in UTF-8 |
  | `:boolean` | boolean |
  | `:embedding` | list of floats, or of the three atoms |
  | `:tensor` | `BridgeHost.Tensor` |

  What is written may be less exact: an integer for a float, a list for a tensor of one dimension, an atom
  for a text. The host checks every value against its variable's type.
  """

  alias BridgeHost.{Error, JSON, Tensor}

  @typedoc "The type of a variable."
  @type type ::
          :float | :integer | :string | :boolean | :choice | :module | :embedding | :tensor

  @typedoc "A value as a term."
  @type t ::
          float()
          | :nan
          | :infinity
          | :neg_infinity
          | integer()
          | String.t()
          | boolean()
          | [float() | :nan | :infinity | :neg_infinity]
          | Tensor.t()

  @typedoc false
  @type encoded :: %{type_url: String.t(), value: binary()}

  @types ~w(float integer string boolean choice module embedding tensor)a
  @names Map.new(@types, &{Atom.to_string(&1), &1})

  # JSON of longer lists is slower than their bytes.
  @elements_as_json 1280

  @doc """
  All types.

      iex> :float in BridgeHost.Value.types()
      true
  """
  @spec types() :: [type()]
  def types, do: @types

  @doc false
  @spec type(String.t()) :: {:ok, type()} | {:error, Error.t()}
  def type(name) do
    case @names do
      %{^name => type} -> {:ok, type}
      _ -> {:error, %Error{code: :internal, message: "the host sent the type #{inspect(name)}"}}
    end
  end

  # What a value travels as: an Any, and the bytes beside it. The host knows the variable's type; the URL
  # only says that this is JSON, or describes bytes.
  @doc false
  @spec encode(term()) :: {encoded(), binary()}
  def encode(%Tensor{shape: [_]} = tensor), do: {described(tensor, "embedding"), tensor.data}
  def encode(%Tensor{} = tensor), do: {described(tensor, "tensor"), tensor.data}

  def encode([first | _] = list) when is_number(first) do
    if length(list) > @elements_as_json and Enum.all?(list, &is_number/1) do
      encode(Tensor.new(list))
    else
      {json(list), ""}
    end
  end

  def encode(value), do: {json(value), ""}

  # The same under the type's own URL: for registering, where the type is known.
  @doc false
  @spec encode(type(), term()) :: {encoded(), binary()}
  def encode(type, %Tensor{} = tensor), do: {described(tensor, Atom.to_string(type)), tensor.data}

  def encode(:tensor, list) when is_list(list), do: encode(:tensor, Tensor.new(list))

  def encode(type, value) do
    {any, binary} = encode(value)
    suffix = if binary == "", do: "", else: ".binary"
    {%{any | type_url: "dspex.variables/#{type}#{suffix}"}, binary}
  end

  @doc false
  @spec decode(type(), encoded(), binary()) :: {:ok, t()} | {:error, Error.t()}
  def decode(type, %{type_url: url, value: text}, binary) do
    with {:ok, content} <- read(text) do
      cond do
        String.ends_with?(url, ".binary") -> numbers(type, content, binary)
        type == :tensor -> tensor(content)
        type == :embedding -> {:ok, Enum.map(content, &float/1)}
        type == :float -> {:ok, float(content)}
        true -> {:ok, content}
      end
    end
  end

  # Of tools, whose results have no declared type: objects are maps, lists lists.
  @doc false
  @spec decode(encoded() | nil, binary()) :: {:ok, term()} | {:error, Error.t()}
  def decode(nil, ""), do: {:ok, nil}
  def decode(nil, binary), do: {:ok, binary}
  def decode(%{value: "", type_url: ""}, binary), do: decode(nil, binary)

  def decode(%{type_url: url, value: text}, binary) do
    with {:ok, content} <- read(text) do
      cond do
        String.ends_with?(url, "embedding.binary") -> numbers(:embedding, content, binary)
        String.ends_with?(url, ".binary") -> numbers(:tensor, content, binary)
        binary != "" -> {:ok, binary}
        true -> {:ok, content}
      end
    end
  end

  @doc false
  @spec json(term()) :: encoded()
  def json(value) do
    %{type_url: "type.snakepit.bridge/json", value: JSON.encode!(plain(value))}
  end

  defp described(tensor, type) do
    description = %{
      "shape" => tensor.shape,
      "dtype" => Atom.to_string(tensor.dtype),
      "binary_format" => "raw",
      "type" => type
    }

    %{type_url: "dspex.variables/#{type}.binary", value: JSON.encode!(description)}
  end

  defp plain(%Tensor{} = tensor), do: Tensor.to_json(tensor)
  defp plain(list) when is_list(list), do: Enum.map(list, &plain/1)
  defp plain(%_{} = struct), do: struct
  defp plain(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, plain(value)} end)
  defp plain(value) when value in [true, false, nil], do: value

  defp plain(atom) when is_atom(atom) do
    case Tensor.plain(atom) do
      ^atom -> Atom.to_string(atom)
      name -> name
    end
  end

  defp plain(value), do: value

  defp read(text) do
    with {:error, _reason} <- JSON.decode(text) do
      {:error, %Error{code: :internal, message: "the host sent a value that is no JSON"}}
    end
  end

  defp float(number) when is_integer(number), do: number / 1
  defp float(other), do: Tensor.named(other)

  defp tensor(%{"shape" => shape, "data" => data}), do: Tensor.from_json(shape, data)

  defp numbers(type, description, binary) do
    with {:ok, dtype} <- Tensor.dtype(description["dtype"]) do
      tensor = %Tensor{shape: description["shape"], dtype: dtype, data: binary}

      case type do
        :embedding -> {:ok, tensor |> Tensor.to_flat_list() |> Enum.map(&float/1)}
        _ -> {:ok, tensor}
      end
    end
  end
end
