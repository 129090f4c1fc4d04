defmodule BridgeHost.Test.Messages do
  @moduledoc false
  # What a host sends, with all fields.

  def variable(fields \\ []) do
    Map.merge(
      %{
        id: "var_x_1",
        name: "x",
        type: "integer",
        value: %{type_url: "dspex.variables/integer", value: "1"},
        binary_value: "",
        constraints_json: "",
        metadata: %{},
        source: :ELIXIR,
        last_updated_at: %{seconds: 1_700_000_000, nanos: 5_000},
        version: 1,
        access_control_json: "",
        optimization_status: nil,
        revision: 1,
        stale_since_revision: 0
      },
      Map.new(fields)
    )
  end

  def update(type, revision, fields \\ []) do
    with_variable = type not in ["synced", "heartbeat", "session_closed"]

    Map.merge(
      %{
        variable_id: if(with_variable, do: "var_x_1", else: ""),
        variable: if(with_variable, do: variable(revision: revision)),
        update_source: "elixir",
        update_metadata: %{},
        timestamp: nil,
        update_type: type,
        revision: revision,
        epoch: "e1",
        old_value: nil,
        old_binary_value: "",
        old_version: 0,
        cause: "",
        more_in_revision: false,
        skipped: 0,
        caused_by: ""
      },
      Map.new(fields)
    )
  end
end
