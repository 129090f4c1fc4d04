"""The benchmarks of the host and its gRPC layer; `Benchmarks/run` starts them."""
