defmodule BridgeHost.Proto.Snakepit.Bridge.Variable.Source do
  @moduledoc false

  use Protobuf, enum: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :ELIXIR, 0
  field :PYTHON, 1
  field :HOST, 100
  field :PLUGIN, 101
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RegisterVariableRequest.IfExists do
  @moduledoc false

  use Protobuf, enum: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :FAIL, 0
  field :RETURN, 1
  field :REPLACE, 2
end

defmodule BridgeHost.Proto.Snakepit.Bridge.PingRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :message, 1, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.PingResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :message, 1, type: :string
  field :server_time, 2, type: Google.Protobuf.Timestamp, json_name: "serverTime"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.SessionConfig do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :enable_caching, 1, type: :bool, json_name: "enableCaching"
  field :cache_ttl_seconds, 2, type: :int32, json_name: "cacheTtlSeconds"
  field :enable_telemetry, 3, type: :bool, json_name: "enableTelemetry"
  field :ttl_seconds, 100, type: :int32, json_name: "ttlSeconds"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.InitializeSessionRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.InitializeSessionRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"

  field :metadata, 2,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.InitializeSessionRequest.MetadataEntry,
    map: true

  field :config, 3, type: BridgeHost.Proto.Snakepit.Bridge.SessionConfig
  field :must_not_exist, 100, type: :bool, json_name: "mustNotExist"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.InitializeSessionResponse.AvailableToolsEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: BridgeHost.Proto.Snakepit.Bridge.ToolSpec
end

defmodule BridgeHost.Proto.Snakepit.Bridge.InitializeSessionResponse.InitialVariablesEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: BridgeHost.Proto.Snakepit.Bridge.Variable
end

defmodule BridgeHost.Proto.Snakepit.Bridge.InitializeSessionResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :error_message, 2, type: :string, json_name: "errorMessage"

  field :available_tools, 3,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.InitializeSessionResponse.AvailableToolsEntry,
    json_name: "availableTools",
    map: true

  field :initial_variables, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.InitializeSessionResponse.InitialVariablesEntry,
    json_name: "initialVariables",
    map: true

  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.CleanupSessionRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :force, 2, type: :bool
end

defmodule BridgeHost.Proto.Snakepit.Bridge.CleanupSessionResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :resources_cleaned, 2, type: :int32, json_name: "resourcesCleaned"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetSessionRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetSessionResponse.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetSessionResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"

  field :metadata, 2,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.GetSessionResponse.MetadataEntry,
    map: true

  field :created_at, 3, type: Google.Protobuf.Timestamp, json_name: "createdAt"
  field :variable_count, 4, type: :int32, json_name: "variableCount"
  field :tool_count, 5, type: :int32, json_name: "toolCount"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
  field :last_used_at, 102, type: Google.Protobuf.Timestamp, json_name: "lastUsedAt"
  field :ttl_seconds, 103, type: :int32, json_name: "ttlSeconds"
  field :watch_count, 104, type: :int32, json_name: "watchCount"
  field :value_bytes, 105, type: :int64, json_name: "valueBytes"
  field :history_bytes, 106, type: :int64, json_name: "historyBytes"
  field :log_bytes, 107, type: :int64, json_name: "logBytes"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.HeartbeatRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :client_time, 2, type: Google.Protobuf.Timestamp, json_name: "clientTime"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.HeartbeatResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :server_time, 1, type: Google.Protobuf.Timestamp, json_name: "serverTime"
  field :session_valid, 2, type: :bool, json_name: "sessionValid"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.Variable.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.Variable do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :id, 1, type: :string
  field :name, 2, type: :string
  field :type, 3, type: :string
  field :value, 4, type: Google.Protobuf.Any
  field :constraints_json, 5, type: :string, json_name: "constraintsJson"

  field :metadata, 6,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.Variable.MetadataEntry,
    map: true

  field :source, 7, type: BridgeHost.Proto.Snakepit.Bridge.Variable.Source, enum: true
  field :last_updated_at, 8, type: Google.Protobuf.Timestamp, json_name: "lastUpdatedAt"
  field :version, 9, type: :int32
  field :access_control_json, 10, type: :string, json_name: "accessControlJson"

  field :optimization_status, 11,
    type: BridgeHost.Proto.Snakepit.Bridge.OptimizationStatus,
    json_name: "optimizationStatus"

  field :binary_value, 12, type: :bytes, json_name: "binaryValue"
  field :revision, 100, type: :int64
  field :stale_since_revision, 101, type: :int64, json_name: "staleSinceRevision"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.OptimizationStatus do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :optimizing, 1, type: :bool
  field :optimizer_id, 2, type: :string, json_name: "optimizerId"
  field :started_at, 3, type: Google.Protobuf.Timestamp, json_name: "startedAt"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RegisterVariableRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RegisterVariableRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :name, 2, type: :string
  field :type, 3, type: :string
  field :initial_value, 4, type: Google.Protobuf.Any, json_name: "initialValue"
  field :constraints_json, 5, type: :string, json_name: "constraintsJson"

  field :metadata, 6,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.RegisterVariableRequest.MetadataEntry,
    map: true

  field :initial_binary_value, 7, type: :bytes, json_name: "initialBinaryValue"
  field :access_control_json, 100, type: :string, json_name: "accessControlJson"

  field :if_exists, 101,
    type: BridgeHost.Proto.Snakepit.Bridge.RegisterVariableRequest.IfExists,
    json_name: "ifExists",
    enum: true
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RegisterVariableResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :variable_id, 2, type: :string, json_name: "variableId"
  field :error_message, 3, type: :string, json_name: "errorMessage"
  field :variable, 100, type: BridgeHost.Proto.Snakepit.Bridge.Variable
  field :revision, 101, type: :int64
  field :epoch, 102, type: :string
  field :existed, 103, type: :bool
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetVariableRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifier, 2, type: :string, json_name: "variableIdentifier"
  field :bypass_cache, 3, type: :bool, json_name: "bypassCache"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetVariableResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :variable, 1, type: BridgeHost.Proto.Snakepit.Bridge.Variable
  field :from_cache, 2, type: :bool, json_name: "fromCache"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.SetVariableRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.SetVariableRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifier, 2, type: :string, json_name: "variableIdentifier"
  field :value, 3, type: Google.Protobuf.Any

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.SetVariableRequest.MetadataEntry,
    map: true

  field :expected_version, 5, type: :int32, json_name: "expectedVersion"
  field :binary_value, 6, type: :bytes, json_name: "binaryValue"
  field :constraints_json, 100, proto3_optional: true, type: :string, json_name: "constraintsJson"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.SetVariableResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :error_message, 2, type: :string, json_name: "errorMessage"
  field :new_version, 3, type: :int32, json_name: "newVersion"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchGetVariablesRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifiers, 2, repeated: true, type: :string, json_name: "variableIdentifiers"
  field :include_metadata, 3, type: :bool, json_name: "includeMetadata"
  field :bypass_cache, 4, type: :bool, json_name: "bypassCache"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchGetVariablesResponse.VariablesEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: BridgeHost.Proto.Snakepit.Bridge.Variable
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchGetVariablesResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :variables, 1,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.BatchGetVariablesResponse.VariablesEntry,
    map: true

  field :missing_variables, 2, repeated: true, type: :string, json_name: "missingVariables"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.UpdatesEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: Google.Protobuf.Any
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.BinaryUpdatesEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :bytes
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.ExpectedVersionsEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :int32
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"

  field :updates, 2,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.UpdatesEntry,
    map: true

  field :metadata, 3,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.MetadataEntry,
    map: true

  field :atomic, 4, type: :bool

  field :binary_updates, 5,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.BinaryUpdatesEntry,
    json_name: "binaryUpdates",
    map: true

  field :expected_versions, 100,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest.ExpectedVersionsEntry,
    json_name: "expectedVersions",
    map: true
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesResponse.ErrorsEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesResponse.NewVersionsEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :int32
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool

  field :errors, 2,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesResponse.ErrorsEntry,
    map: true

  field :new_versions, 3,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesResponse.NewVersionsEntry,
    json_name: "newVersions",
    map: true

  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ListVariablesRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :pattern, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ListVariablesResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :variables, 1, repeated: true, type: BridgeHost.Proto.Snakepit.Bridge.Variable
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.DeleteVariableRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.DeleteVariableRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifier, 2, type: :string, json_name: "variableIdentifier"

  field :metadata, 100,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.DeleteVariableRequest.MetadataEntry,
    map: true
end

defmodule BridgeHost.Proto.Snakepit.Bridge.DeleteVariableResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :error_message, 2, type: :string, json_name: "errorMessage"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ToolSpec.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ToolSpec do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :name, 1, type: :string
  field :description, 2, type: :string
  field :parameters, 3, repeated: true, type: BridgeHost.Proto.Snakepit.Bridge.ParameterSpec

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ToolSpec.MetadataEntry,
    map: true

  field :supports_streaming, 5, type: :bool, json_name: "supportsStreaming"
  field :required_variables, 6, repeated: true, type: :string, json_name: "requiredVariables"
  field :input_schema_json, 100, type: :string, json_name: "inputSchemaJson"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ParameterSpec do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :name, 1, type: :string
  field :type, 2, type: :string
  field :description, 3, type: :string
  field :required, 4, type: :bool
  field :default_value, 5, type: Google.Protobuf.Any, json_name: "defaultValue"
  field :validation_json, 6, type: :string, json_name: "validationJson"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest.ParametersEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: Google.Protobuf.Any
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest.BinaryParametersEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :bytes
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :tool_name, 2, type: :string, json_name: "toolName"

  field :parameters, 3,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest.ParametersEntry,
    map: true

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest.MetadataEntry,
    map: true

  field :stream, 5, type: :bool

  field :binary_parameters, 6,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest.BinaryParametersEntry,
    json_name: "binaryParameters",
    map: true

  field :include_progress, 100, type: :bool, json_name: "includeProgress"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteToolResponse.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteToolResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :result, 2, type: Google.Protobuf.Any
  field :error_message, 3, type: :string, json_name: "errorMessage"

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ExecuteToolResponse.MetadataEntry,
    map: true

  field :execution_time_ms, 5, type: :int64, json_name: "executionTimeMs"
  field :binary_result, 6, type: :bytes, json_name: "binaryResult"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ToolChunk.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ToolChunk do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :chunk_id, 1, type: :string, json_name: "chunkId"
  field :data, 2, type: :bytes
  field :is_final, 3, type: :bool, json_name: "isFinal"

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ToolChunk.MetadataEntry,
    map: true

  field :progress, 100, proto3_optional: true, type: :double
  field :progress_message, 101, type: :string, json_name: "progressMessage"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.WatchVariablesRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifiers, 2, repeated: true, type: :string, json_name: "variableIdentifiers"
  field :include_initial_values, 3, type: :bool, json_name: "includeInitialValues"
  field :start_revision, 100, type: :int64, json_name: "startRevision"
  field :epoch, 101, type: :string
  field :heartbeat_interval_ms, 102, type: :int32, json_name: "heartbeatIntervalMs"
  field :conflate, 103, type: :bool
  field :include_synced, 104, type: :bool, json_name: "includeSynced"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.VariableUpdate.UpdateMetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.VariableUpdate do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :variable_id, 1, type: :string, json_name: "variableId"
  field :variable, 2, type: BridgeHost.Proto.Snakepit.Bridge.Variable
  field :update_source, 3, type: :string, json_name: "updateSource"

  field :update_metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.VariableUpdate.UpdateMetadataEntry,
    json_name: "updateMetadata",
    map: true

  field :timestamp, 5, type: Google.Protobuf.Timestamp
  field :update_type, 6, type: :string, json_name: "updateType"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
  field :old_value, 102, type: Google.Protobuf.Any, json_name: "oldValue"
  field :old_binary_value, 103, type: :bytes, json_name: "oldBinaryValue"
  field :old_version, 104, type: :int32, json_name: "oldVersion"
  field :cause, 105, type: :string
  field :more_in_revision, 106, type: :bool, json_name: "moreInRevision"
  field :skipped, 107, type: :int32
  field :caused_by, 108, type: :string, json_name: "causedBy"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.AddDependencyRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :from_variable, 2, type: :string, json_name: "fromVariable"
  field :to_variable, 3, type: :string, json_name: "toVariable"
  field :dependency_type, 4, type: :string, json_name: "dependencyType"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.AddDependencyResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :error_message, 2, type: :string, json_name: "errorMessage"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.StartOptimizationRequest.OptimizerConfigEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.StartOptimizationRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifier, 2, type: :string, json_name: "variableIdentifier"
  field :optimizer_id, 3, type: :string, json_name: "optimizerId"

  field :optimizer_config, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.StartOptimizationRequest.OptimizerConfigEntry,
    json_name: "optimizerConfig",
    map: true
end

defmodule BridgeHost.Proto.Snakepit.Bridge.StartOptimizationResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :error_message, 2, type: :string, json_name: "errorMessage"
  field :optimization_id, 3, type: :string, json_name: "optimizationId"
  field :lease_seconds, 100, type: :int32, json_name: "leaseSeconds"
  field :revision, 101, type: :int64
  field :epoch, 102, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.StopOptimizationRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifier, 2, type: :string, json_name: "variableIdentifier"
  field :force, 3, type: :bool
  field :optimizer_id, 100, type: :string, json_name: "optimizerId"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.StopOptimizationResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :final_value, 2, type: Google.Protobuf.Any, json_name: "finalValue"
  field :variable, 100, type: BridgeHost.Proto.Snakepit.Bridge.Variable
  field :revision, 101, type: :int64
  field :epoch, 102, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetVariableHistoryRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifier, 2, type: :string, json_name: "variableIdentifier"
  field :limit, 3, type: :int32
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetVariableHistoryResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :entries, 1, repeated: true, type: BridgeHost.Proto.Snakepit.Bridge.VariableHistoryEntry
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.VariableHistoryEntry.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.VariableHistoryEntry do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :version, 1, type: :int32
  field :value, 2, type: Google.Protobuf.Any
  field :timestamp, 3, type: Google.Protobuf.Timestamp
  field :changed_by, 4, type: :string, json_name: "changedBy"

  field :metadata, 5,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.VariableHistoryEntry.MetadataEntry,
    map: true

  field :binary_value, 100, type: :bytes, json_name: "binaryValue"
  field :revision, 101, type: :int64
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RollbackVariableRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RollbackVariableRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :variable_identifier, 2, type: :string, json_name: "variableIdentifier"
  field :target_version, 3, type: :int32, json_name: "targetVersion"

  field :metadata, 100,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.RollbackVariableRequest.MetadataEntry,
    map: true

  field :expected_version, 101, type: :int32, json_name: "expectedVersion"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RollbackVariableResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :variable, 2, type: BridgeHost.Proto.Snakepit.Bridge.Variable
  field :error_message, 3, type: :string, json_name: "errorMessage"
  field :revision, 100, type: :int64
  field :epoch, 101, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RegisterToolsRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :tools, 2, repeated: true, type: BridgeHost.Proto.Snakepit.Bridge.ToolRegistration
  field :worker_id, 3, type: :string, json_name: "workerId"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RegisterToolsResponse.ToolIdsEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.RegisterToolsResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool

  field :tool_ids, 2,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.RegisterToolsResponse.ToolIdsEntry,
    json_name: "toolIds",
    map: true

  field :error_message, 3, type: :string, json_name: "errorMessage"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ToolRegistration.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ToolRegistration do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :name, 1, type: :string
  field :description, 2, type: :string
  field :parameters, 3, repeated: true, type: BridgeHost.Proto.Snakepit.Bridge.ParameterSpec

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ToolRegistration.MetadataEntry,
    map: true

  field :supports_streaming, 5, type: :bool, json_name: "supportsStreaming"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetExposedElixirToolsRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.GetExposedElixirToolsResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :tools, 1, repeated: true, type: BridgeHost.Proto.Snakepit.Bridge.ToolSpec
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolRequest.ParametersEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: Google.Protobuf.Any
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolRequest.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :session_id, 1, type: :string, json_name: "sessionId"
  field :tool_name, 2, type: :string, json_name: "toolName"

  field :parameters, 3,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolRequest.ParametersEntry,
    map: true

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolRequest.MetadataEntry,
    map: true
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolResponse.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :success, 1, type: :bool
  field :result, 2, type: Google.Protobuf.Any
  field :error_message, 3, type: :string, json_name: "errorMessage"

  field :metadata, 4,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolResponse.MetadataEntry,
    map: true

  field :execution_time_ms, 5, type: :int64, json_name: "executionTimeMs"
  field :binary_result, 6, type: :bytes, json_name: "binaryResult"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetryEvent.MeasurementsEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: BridgeHost.Proto.Snakepit.Bridge.TelemetryValue
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetryEvent.MetadataEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetryEvent do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :event_parts, 1, repeated: true, type: :string, json_name: "eventParts"

  field :measurements, 2,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.TelemetryEvent.MeasurementsEntry,
    map: true

  field :metadata, 3,
    repeated: true,
    type: BridgeHost.Proto.Snakepit.Bridge.TelemetryEvent.MetadataEntry,
    map: true

  field :timestamp_ns, 4, type: :int64, json_name: "timestampNs"
  field :correlation_id, 5, type: :string, json_name: "correlationId"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetryValue do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  oneof(:value, 0)

  field :int_value, 1, type: :int64, json_name: "intValue", oneof: 0
  field :float_value, 2, type: :double, json_name: "floatValue", oneof: 0
  field :string_value, 3, type: :string, json_name: "stringValue", oneof: 0
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetryControl do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  oneof(:control, 0)

  field :toggle, 1, type: BridgeHost.Proto.Snakepit.Bridge.TelemetryToggle, oneof: 0
  field :sampling, 2, type: BridgeHost.Proto.Snakepit.Bridge.TelemetrySamplingUpdate, oneof: 0
  field :filter, 3, type: BridgeHost.Proto.Snakepit.Bridge.TelemetryEventFilter, oneof: 0
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetryToggle do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :enabled, 1, type: :bool
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetrySamplingUpdate do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :sampling_rate, 1, type: :double, json_name: "samplingRate"
  field :event_patterns, 2, repeated: true, type: :string, json_name: "eventPatterns"
end

defmodule BridgeHost.Proto.Snakepit.Bridge.TelemetryEventFilter do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :allow, 1, repeated: true, type: :string
  field :deny, 2, repeated: true, type: :string
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BridgeService.Service do
  @moduledoc false

  use GRPC.Service, name: "snakepit.bridge.BridgeService", protoc_gen_elixir_version: "0.14.1"

  rpc :Ping,
      BridgeHost.Proto.Snakepit.Bridge.PingRequest,
      BridgeHost.Proto.Snakepit.Bridge.PingResponse

  rpc :InitializeSession,
      BridgeHost.Proto.Snakepit.Bridge.InitializeSessionRequest,
      BridgeHost.Proto.Snakepit.Bridge.InitializeSessionResponse

  rpc :CleanupSession,
      BridgeHost.Proto.Snakepit.Bridge.CleanupSessionRequest,
      BridgeHost.Proto.Snakepit.Bridge.CleanupSessionResponse

  rpc :GetSession,
      BridgeHost.Proto.Snakepit.Bridge.GetSessionRequest,
      BridgeHost.Proto.Snakepit.Bridge.GetSessionResponse

  rpc :Heartbeat,
      BridgeHost.Proto.Snakepit.Bridge.HeartbeatRequest,
      BridgeHost.Proto.Snakepit.Bridge.HeartbeatResponse

  rpc :RegisterVariable,
      BridgeHost.Proto.Snakepit.Bridge.RegisterVariableRequest,
      BridgeHost.Proto.Snakepit.Bridge.RegisterVariableResponse

  rpc :GetVariable,
      BridgeHost.Proto.Snakepit.Bridge.GetVariableRequest,
      BridgeHost.Proto.Snakepit.Bridge.GetVariableResponse

  rpc :SetVariable,
      BridgeHost.Proto.Snakepit.Bridge.SetVariableRequest,
      BridgeHost.Proto.Snakepit.Bridge.SetVariableResponse

  rpc :GetVariables,
      BridgeHost.Proto.Snakepit.Bridge.BatchGetVariablesRequest,
      BridgeHost.Proto.Snakepit.Bridge.BatchGetVariablesResponse

  rpc :SetVariables,
      BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesRequest,
      BridgeHost.Proto.Snakepit.Bridge.BatchSetVariablesResponse

  rpc :ListVariables,
      BridgeHost.Proto.Snakepit.Bridge.ListVariablesRequest,
      BridgeHost.Proto.Snakepit.Bridge.ListVariablesResponse

  rpc :DeleteVariable,
      BridgeHost.Proto.Snakepit.Bridge.DeleteVariableRequest,
      BridgeHost.Proto.Snakepit.Bridge.DeleteVariableResponse

  rpc :ExecuteTool,
      BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest,
      BridgeHost.Proto.Snakepit.Bridge.ExecuteToolResponse

  rpc :ExecuteStreamingTool,
      BridgeHost.Proto.Snakepit.Bridge.ExecuteToolRequest,
      stream(BridgeHost.Proto.Snakepit.Bridge.ToolChunk)

  rpc :RegisterTools,
      BridgeHost.Proto.Snakepit.Bridge.RegisterToolsRequest,
      BridgeHost.Proto.Snakepit.Bridge.RegisterToolsResponse

  rpc :GetExposedElixirTools,
      BridgeHost.Proto.Snakepit.Bridge.GetExposedElixirToolsRequest,
      BridgeHost.Proto.Snakepit.Bridge.GetExposedElixirToolsResponse

  rpc :ExecuteElixirTool,
      BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolRequest,
      BridgeHost.Proto.Snakepit.Bridge.ExecuteElixirToolResponse

  rpc :WatchVariables,
      BridgeHost.Proto.Snakepit.Bridge.WatchVariablesRequest,
      stream(BridgeHost.Proto.Snakepit.Bridge.VariableUpdate)

  rpc :AddDependency,
      BridgeHost.Proto.Snakepit.Bridge.AddDependencyRequest,
      BridgeHost.Proto.Snakepit.Bridge.AddDependencyResponse

  rpc :StartOptimization,
      BridgeHost.Proto.Snakepit.Bridge.StartOptimizationRequest,
      BridgeHost.Proto.Snakepit.Bridge.StartOptimizationResponse

  rpc :StopOptimization,
      BridgeHost.Proto.Snakepit.Bridge.StopOptimizationRequest,
      BridgeHost.Proto.Snakepit.Bridge.StopOptimizationResponse

  rpc :GetVariableHistory,
      BridgeHost.Proto.Snakepit.Bridge.GetVariableHistoryRequest,
      BridgeHost.Proto.Snakepit.Bridge.GetVariableHistoryResponse

  rpc :RollbackVariable,
      BridgeHost.Proto.Snakepit.Bridge.RollbackVariableRequest,
      BridgeHost.Proto.Snakepit.Bridge.RollbackVariableResponse

  rpc :StreamTelemetry,
      stream(BridgeHost.Proto.Snakepit.Bridge.TelemetryControl),
      stream(BridgeHost.Proto.Snakepit.Bridge.TelemetryEvent)
end

defmodule BridgeHost.Proto.Snakepit.Bridge.BridgeService.Stub do
  @moduledoc false

  use GRPC.Stub, service: BridgeHost.Proto.Snakepit.Bridge.BridgeService.Service
end
