[
  inputs: ["{mix,.formatter}.exs", "{lib,lib_grpc,test}/**/*.{ex,exs}"],
  line_length: 100,
  # Of the generated modules.
  locals_without_parens: [field: 2, field: 3, rpc: 3]
]
