defmodule BridgeHost.Tensor do
  @moduledoc """
  Numbers in a shape, as bytes: `data` holds the elements row by row, little-endian.

  That is how they travel, so a tensor is neither parsed nor printed on its way, and libraries such as
  Nx read the bytes as they are: `Nx.from_binary(tensor.data, {:f, 32}) |> Nx.reshape({2, 3})`.
  A scalar has the shape `[]`.

  A host sends tensors of less than 10 KiB as JSON, which names no type: those come back as `:float64`, or
  as `:int64`, `:uint64` or `:bool` where their elements say so.
  """

  alias BridgeHost.Error

  @typedoc "The type of the elements."
  @type dtype ::
          :float32
          | :float64
          | :int8
          | :int16
          | :int32
          | :int64
          | :uint8
          | :uint16
          | :uint32
          | :uint64
          | :bool

  @typedoc "An element as a term. Floats that are no numbers are atoms, as the host writes them for Erlang."
  @type element :: number() | boolean() | :nan | :infinity | :neg_infinity

  @type t :: %__MODULE__{shape: [non_neg_integer()], dtype: dtype(), data: binary()}

  @enforce_keys [:shape, :dtype, :data]
  defstruct [:shape, :dtype, :data]

  @sizes %{
    float32: 4,
    float64: 8,
    int8: 1,
    int16: 2,
    int32: 4,
    int64: 8,
    uint8: 1,
    uint16: 2,
    uint32: 4,
    uint64: 8,
    bool: 1
  }
  @names Map.new(@sizes, fn {dtype, _} -> {Atom.to_string(dtype), dtype} end)

  @doc """
  Makes a tensor of nested lists of one shape, or of a single element.

      iex> tensor = BridgeHost.Tensor.new([[1, 2, 3], [4, 5, 6]], :float32)
      iex> {tensor.shape, byte_size(tensor.data)}
      {[2, 3], 24}

  Raises `ArgumentError` when the lists have no common shape, or an element does not fit the type.
  """
  @spec new(element() | list(), dtype()) :: t()
  def new(elements, dtype \\ :float64) when is_map_key(@sizes, dtype) do
    shape = shape(elements)

    data = elements |> flatten(shape) |> Enum.map(&pack(&1, dtype)) |> IO.iodata_to_binary()

    %__MODULE__{shape: shape, dtype: dtype, data: data}
  end

  @doc """
  Takes bytes for the elements of a tensor.

      iex> BridgeHost.Tensor.from_binary(<<1, 2>>, :uint8, [2]) |> BridgeHost.Tensor.to_list()
      [1, 2]

  Raises `ArgumentError` when there are more or fewer bytes than the shape asks for.
  """
  @spec from_binary(binary(), dtype(), [non_neg_integer()]) :: t()
  def from_binary(data, dtype, shape) when is_map_key(@sizes, dtype) do
    expected = Enum.product(shape) * @sizes[dtype]

    if byte_size(data) != expected do
      raise ArgumentError,
            "a #{dtype} tensor of the shape #{inspect(shape)} has #{expected} bytes, not #{byte_size(data)}"
    end

    %__MODULE__{shape: shape, dtype: dtype, data: data}
  end

  @doc """
  The elements as nested lists, in the tensor's shape.

      iex> BridgeHost.Tensor.new([[1, 2], [3, 4]]) |> BridgeHost.Tensor.to_list()
      [[1.0, 2.0], [3.0, 4.0]]
  """
  @spec to_list(t()) :: element() | list()
  def to_list(%__MODULE__{} = tensor), do: nest(to_flat_list(tensor), tensor.shape)

  @doc """
  The elements as one list, row by row.

      iex> BridgeHost.Tensor.new([[true, false]], :bool) |> BridgeHost.Tensor.to_flat_list()
      [true, false]
  """
  @spec to_flat_list(t()) :: [element()]
  def to_flat_list(%__MODULE__{data: data, dtype: dtype}), do: unpack(data, dtype)

  @doc false
  @spec dtype(term()) :: {:ok, dtype()} | {:error, Error.t()}
  def dtype(name) do
    case @names do
      %{^name => dtype} -> {:ok, dtype}
      _ -> {:error, %Error{code: :internal, message: "the host sent the dtype #{inspect(name)}"}}
    end
  end

  # Of elements that came as JSON, which names no type: float64, unless that would change a whole
  # number.
  @doc false
  @spec from_json([non_neg_integer()], list() | number() | boolean()) ::
          {:ok, t()} | {:error, Error.t()}
  def from_json(shape, elements) do
    flat = elements |> List.wrap() |> List.flatten() |> Enum.map(&named/1)

    if length(flat) == Enum.product(shape) do
      dtype = json_dtype(flat)
      data = flat |> Enum.map(&pack(&1, dtype)) |> IO.iodata_to_binary()
      {:ok, %__MODULE__{shape: shape, dtype: dtype, data: data}}
    else
      {:error,
       %Error{
         code: :internal,
         message: "the host sent #{length(flat)} elements for the shape #{inspect(shape)}"
       }}
    end
  end

  @doc false
  @spec to_json(t()) :: map()
  def to_json(%__MODULE__{} = tensor) do
    %{"shape" => tensor.shape, "data" => Enum.map(to_flat_list(tensor), &plain/1)}
  end

  # Floats that are no numbers, which JSON writes as texts.
  @doc false
  @spec named(term()) :: term()
  def named("NaN"), do: :nan
  def named("Infinity"), do: :infinity
  def named("-Infinity"), do: :neg_infinity
  def named(element), do: element

  @doc false
  @spec plain(element()) :: number() | boolean() | String.t()
  def plain(:nan), do: "NaN"
  def plain(:infinity), do: "Infinity"
  def plain(:neg_infinity), do: "-Infinity"
  def plain(element), do: element

  defp json_dtype(flat) do
    cond do
      flat != [] and Enum.all?(flat, &is_boolean/1) -> :bool
      Enum.any?(flat, &(not is_integer(&1))) -> :float64
      Enum.all?(flat, &(trunc(&1 / 1) == &1)) -> :float64
      Enum.any?(flat, &(&1 > 0x7FFF_FFFF_FFFF_FFFF)) -> :uint64
      true -> :int64
    end
  end

  defp shape([]), do: [0]

  defp shape([first | _] = list) do
    inner = shape(first)
    if Enum.all?(list, &(shape(&1) == inner)), do: [length(list) | inner], else: uneven()
  end

  defp shape(_element), do: []

  defp uneven, do: raise(ArgumentError, "the lists have no common shape")

  defp flatten(element, []), do: [element]
  defp flatten(list, _shape), do: List.flatten(list)

  defp nest([element], []), do: element
  defp nest(flat, [_]), do: flat

  defp nest(flat, [count | inner]) do
    if Enum.product(inner) == 0 do
      List.duplicate(nest([], inner), count)
    else
      flat |> Enum.chunk_every(Enum.product(inner)) |> Enum.map(&nest(&1, inner))
    end
  end

  for {dtype, size, nan, top} <- [
        {:float32, 32, 0x7FC00000, 0x7F800000},
        {:float64, 64, 0x7FF8000000000000, 0x7FF0000000000000}
      ] do
    sign = Bitwise.bsl(1, size - 1)
    defp pack(:nan, unquote(dtype)), do: <<unquote(nan)::unquote(size)-little>>
    defp pack(:infinity, unquote(dtype)), do: <<unquote(top)::unquote(size)-little>>

    defp pack(:neg_infinity, unquote(dtype)),
      do: <<unquote(Bitwise.bor(top, sign))::unquote(size)-little>>

    defp pack(element, unquote(dtype)) when is_number(element),
      do: <<element::float-unquote(size)-little>>

    defp unpack(<<element::float-unquote(size)-little, rest::binary>>, unquote(dtype)),
      do: [element | unpack(rest, unquote(dtype))]

    defp unpack(<<bits::unquote(size)-little, rest::binary>>, unquote(dtype)) do
      element =
        case bits do
          unquote(top) -> :infinity
          unquote(Bitwise.bor(top, sign)) -> :neg_infinity
          _ -> :nan
        end

      [element | unpack(rest, unquote(dtype))]
    end
  end

  for {dtype, size} <- [int8: 8, int16: 16, int32: 32, int64: 64] do
    limit = Bitwise.bsl(1, size - 1)

    defp pack(element, unquote(dtype))
         when is_integer(element) and element >= -unquote(limit) and element < unquote(limit),
         do: <<element::unquote(size)-signed-little>>

    defp unpack(<<element::unquote(size)-signed-little, rest::binary>>, unquote(dtype)),
      do: [element | unpack(rest, unquote(dtype))]
  end

  for {dtype, size} <- [uint8: 8, uint16: 16, uint32: 32, uint64: 64] do
    limit = Bitwise.bsl(1, size)

    defp pack(element, unquote(dtype))
         when is_integer(element) and element >= 0 and element < unquote(limit),
         do: <<element::unquote(size)-little>>

    defp unpack(<<element::unquote(size)-little, rest::binary>>, unquote(dtype)),
      do: [element | unpack(rest, unquote(dtype))]
  end

  defp pack(true, :bool), do: <<1>>
  defp pack(false, :bool), do: <<0>>

  defp pack(element, dtype),
    do: raise(ArgumentError, "#{inspect(element)} does not fit #{dtype}")

  defp unpack(<<0, rest::binary>>, :bool), do: [false | unpack(rest, :bool)]
  defp unpack(<<_, rest::binary>>, :bool), do: [true | unpack(rest, :bool)]
  defp unpack(<<>>, _dtype), do: []
end
