defmodule BridgeHost.ErrorTest do
  use ExUnit.Case, async: true

  alias BridgeHost.Error

  doctest Error

  test "says its code, the host's reason and the sentence" do
    error = %Error{code: :not_found, message: "Variable not found: x"}
    assert Exception.message(error) == "not_found: Variable not found: x"

    assert Exception.message(%{error | reason: "VARIABLE_NOT_FOUND"}) ==
             "not_found (VARIABLE_NOT_FOUND): Variable not found: x"
  end
end
