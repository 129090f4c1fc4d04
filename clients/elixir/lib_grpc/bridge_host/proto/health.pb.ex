defmodule BridgeHost.Proto.Grpc.Health.V1.HealthCheckResponse.ServingStatus do
  @moduledoc false

  use Protobuf, enum: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :UNKNOWN, 0
  field :SERVING, 1
  field :NOT_SERVING, 2
  field :SERVICE_UNKNOWN, 3
end

defmodule BridgeHost.Proto.Grpc.Health.V1.HealthCheckRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :service, 1, type: :string
end

defmodule BridgeHost.Proto.Grpc.Health.V1.HealthCheckResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :status, 1,
    type: BridgeHost.Proto.Grpc.Health.V1.HealthCheckResponse.ServingStatus,
    enum: true
end

defmodule BridgeHost.Proto.Grpc.Health.V1.HealthListRequest do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3
end

defmodule BridgeHost.Proto.Grpc.Health.V1.HealthListResponse.StatusesEntry do
  @moduledoc false

  use Protobuf, map: true, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :key, 1, type: :string
  field :value, 2, type: BridgeHost.Proto.Grpc.Health.V1.HealthCheckResponse
end

defmodule BridgeHost.Proto.Grpc.Health.V1.HealthListResponse do
  @moduledoc false

  use Protobuf, protoc_gen_elixir_version: "0.14.1", syntax: :proto3

  field :statuses, 1,
    repeated: true,
    type: BridgeHost.Proto.Grpc.Health.V1.HealthListResponse.StatusesEntry,
    map: true
end

defmodule BridgeHost.Proto.Grpc.Health.V1.Health.Service do
  @moduledoc false

  use GRPC.Service, name: "grpc.health.v1.Health", protoc_gen_elixir_version: "0.14.1"

  rpc :Check,
      BridgeHost.Proto.Grpc.Health.V1.HealthCheckRequest,
      BridgeHost.Proto.Grpc.Health.V1.HealthCheckResponse

  rpc :List,
      BridgeHost.Proto.Grpc.Health.V1.HealthListRequest,
      BridgeHost.Proto.Grpc.Health.V1.HealthListResponse

  rpc :Watch,
      BridgeHost.Proto.Grpc.Health.V1.HealthCheckRequest,
      stream(BridgeHost.Proto.Grpc.Health.V1.HealthCheckResponse)
end

defmodule BridgeHost.Proto.Grpc.Health.V1.Health.Stub do
  @moduledoc false

  use GRPC.Stub, service: BridgeHost.Proto.Grpc.Health.V1.Health.Service
end
