import GRPC
import GRPCProtobuf

/// The server's side.
enum GreeterService {
  static var methods: [RPCMethod] {
    [
      // The answer is at hand: it is given on the event loop, and must not wait for anything.
      .unary(Greeter.greet) { request, _ throws(RPCError) in
        try greeting(of: request.name)
      },
      .serverStream(Greeter.greetOften) { request, responses, _ in
        let greeting = try greeting(of: request.name)
        var sent = 0
        while request.times == 0 || sent < request.times {
          // Waits while the client does not read; throws once it has had enough.
          try await responses.send(greeting)
          sent += 1
        }
      },
      .clientStream(Greeter.greetAll) { requests, _ in
        var names: [String] = []
        for try await request in requests { names.append(request.name) }
        return try greeting(of: names.joined(separator: " and "))
      },
      .bidirectional(Greeter.greetEach) { requests, responses, call in
        // Metadata before the first response; GreetEach says who calls.
        var metadata = Metadata()
        metadata.add(call.peer.address, for: "x-peer")
        try call.start(metadata: metadata)
        for try await request in requests {
          try await responses.send(try greeting(of: request.name))
        }
      },
    ]
  }

  private static func greeting(of name: String) throws(RPCError) -> Example_GreetResponse {
    guard !name.isEmpty else {
      throw RPCError(
        .invalidArgument, "a greeting needs a name",
        packing: [Example_MissingField.with { $0.field = "name" }])
    }
    return .with { $0.text = "Hello, \(name)!" }
  }
}
