defmodule BridgeHost.TensorTest do
  use ExUnit.Case, async: true

  alias BridgeHost.Tensor

  doctest Tensor

  test "every type keeps its elements" do
    for {dtype, elements} <- [
          float32: [0.5, -2.0, :nan, :infinity, :neg_infinity],
          float64: [0.1, -1.0e300, :nan, :infinity, :neg_infinity],
          int8: [-128, 127],
          int16: [-32_768, 32_767],
          int32: [-2_147_483_648, 2_147_483_647],
          int64: [-9_223_372_036_854_775_808, 9_223_372_036_854_775_807],
          uint8: [0, 255],
          uint16: [0, 65_535],
          uint32: [0, 4_294_967_295],
          uint64: [0, 18_446_744_073_709_551_615],
          bool: [true, false]
        ] do
      assert Tensor.to_list(Tensor.new(elements, dtype)) == elements
    end
  end

  test "elements are little-endian, row by row" do
    assert Tensor.new([[1, 2], [3, 4]], :int16).data == <<1, 0, 2, 0, 3, 0, 4, 0>>
    assert Tensor.new(1.0, :float32).data == <<0, 0, 0x80, 0x3F>>
    assert Tensor.new(:nan, :float32).data == <<0, 0, 0xC0, 0x7F>>
  end

  test "shapes" do
    assert Tensor.new(7).shape == []
    assert Tensor.new([]).shape == [0]
    assert Tensor.new([[], []]).shape == [2, 0]
    assert Tensor.new([[[1], [2]]]).shape == [1, 2, 1]

    for term <- [7.0, [], [[], []], [[[1.0], [2.0]]]] do
      assert Tensor.to_list(Tensor.new(term)) == term
    end
  end

  test "what does not fit is refused" do
    assert_raise ArgumentError, ~r/no common shape/, fn -> Tensor.new([[1], [2, 3]]) end
    assert_raise ArgumentError, ~r/no common shape/, fn -> Tensor.new([1, [2]]) end
    assert_raise ArgumentError, ~r/256 does not fit uint8/, fn -> Tensor.new([256], :uint8) end
    assert_raise ArgumentError, ~r/-1 does not fit uint64/, fn -> Tensor.new([-1], :uint64) end
    assert_raise ArgumentError, ~r/1.5 does not fit int32/, fn -> Tensor.new([1.5], :int32) end
    assert_raise ArgumentError, ~r/1 does not fit bool/, fn -> Tensor.new([1], :bool) end

    assert_raise ArgumentError, ~r/has 8 bytes, not 3/, fn ->
      Tensor.from_binary("abc", :float32, [2])
    end
  end

  test "JSON names no type: float64, unless that would change a whole number" do
    for {elements, dtype} <- [
          {[1, 2], :float64},
          {[1, 2.5], :float64},
          {["NaN", 1], :float64},
          {[9_007_199_254_740_993], :int64},
          {[18_446_744_073_709_551_615], :uint64},
          {[true, false], :bool},
          {[], :float64}
        ] do
      assert {:ok, tensor} = Tensor.from_json([length(elements)], elements)
      assert tensor.dtype == dtype
      assert Tensor.to_list(tensor) == Enum.map(elements, &Tensor.named/1)
    end

    assert {:error, %{message: message}} = Tensor.from_json([3], [1, 2])
    assert message =~ "2 elements for the shape [3]"
  end
end
