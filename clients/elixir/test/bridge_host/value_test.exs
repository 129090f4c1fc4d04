defmodule BridgeHost.ValueTest do
  use ExUnit.Case, async: true

  alias BridgeHost.{JSON, Tensor, Value}

  doctest Value

  defp travelled(type, value) do
    {any, binary} = Value.encode(type, value)
    assert {:ok, back} = Value.decode(type, any, binary)
    back
  end

  test "values of every type come back" do
    for {type, value} <- [
          float: 0.1,
          float: :nan,
          float: :infinity,
          float: :neg_infinity,
          integer: -9_223_372_036_854_775_808,
          string: "é\n\"",
          string: "",
          boolean: true,
          boolean: false,
          choice: "a",
          module: "Elixir.Enum",
          embedding: [0.5, :nan, -1.0],
          embedding: [],
          tensor: Tensor.new([[1, 2], [3, 4]], :float32),
          tensor: Tensor.new(1.5)
        ] do
      assert travelled(type, value) == value
    end
  end

  test "less exact terms become what they are meant for" do
    assert travelled(:float, 3) === 3.0
    assert travelled(:embedding, [1, 2]) == [1.0, 2.0]
    assert travelled(:choice, :left) == "left"
    assert travelled(:tensor, [1, 2]) == Tensor.new([1, 2])
  end

  test "an embedding travels as JSON while it is short, then as bytes" do
    {short, ""} = Value.encode(:embedding, List.duplicate(1.5, 1280))
    assert short.type_url == "dspex.variables/embedding"
    assert {:ok, [1.5 | _]} = JSON.decode(short.value)

    long = List.duplicate(1.5, 1281)
    {any, binary} = Value.encode(:embedding, long)
    assert any.type_url == "dspex.variables/embedding.binary"
    assert byte_size(binary) == 8 * 1281

    assert {:ok, %{"shape" => [1281], "dtype" => "float64", "binary_format" => "raw"}} =
             JSON.decode(any.value)

    assert travelled(:embedding, long) == long
  end

  test "what the host sends as JSON" do
    json = fn text -> %{type_url: "dspex.variables/x", value: text} end
    assert Value.decode(:float, json.("2"), "") === {:ok, 2.0}
    assert Value.decode(:float, json.(~s("-Infinity")), "") == {:ok, :neg_infinity}
    assert Value.decode(:embedding, json.(~s([1, "NaN"])), "") == {:ok, [1.0, :nan]}

    assert Value.decode(:tensor, json.(~s({"shape": [1, 2], "data": [[1, 2]]})), "") ==
             {:ok, Tensor.new([[1, 2]])}

    assert Value.decode(:tensor, json.(~s({"shape": [], "data": 3})), "") == {:ok, Tensor.new(3)}
    assert {:error, %{code: :internal}} = Value.decode(:float, json.("{"), "")
  end

  test "an embedding of whole numbers is one of floats, as bytes too" do
    {any, binary} = Value.encode(:embedding, Tensor.new([1, 2], :int32))
    assert Value.decode(:embedding, any, binary) === {:ok, [1.0, 2.0]}
  end

  test "results of tools have no declared type" do
    json = fn text -> %{type_url: "type.snakepit.bridge/json", value: text} end
    assert Value.decode(json.(~s({"a": [1, null]})), "") == {:ok, %{"a" => [1, nil]}}
    assert Value.decode(json.("null"), "bytes") == {:ok, "bytes"}
    assert Value.decode(nil, "") == {:ok, nil}
    assert Value.decode(nil, "bytes") == {:ok, "bytes"}

    {any, binary} = Value.encode(Tensor.new([[1.5]], :float32))
    assert Value.decode(any, binary) == {:ok, Tensor.new([[1.5]], :float32)}
    {any, binary} = Value.encode(Tensor.new([1.5], :float32))
    assert Value.decode(any, binary) == {:ok, [1.5]}
  end

  test "terms inside of maps and lists" do
    assert Value.json(%{"a" => [:nan, nil, :left, Tensor.new([1])]}).value |> JSON.decode() ==
             {:ok, %{"a" => ["NaN", nil, "left", %{"shape" => [1], "data" => [1.0]}]}}
  end
end
