import GRPCProtobuf

/// The service of greeter.proto, one line for each of its methods.
enum Greeter {
  static let name = "example.Greeter"

  static let greet = ProtobufMethod<Example_GreetRequest, Example_GreetResponse>(name, "Greet")
  static let greetOften =
    ProtobufMethod<Example_GreetOftenRequest, Example_GreetResponse>(
      name, "GreetOften", .serverStream)
  static let greetAll =
    ProtobufMethod<Example_GreetRequest, Example_GreetResponse>(name, "GreetAll", .clientStream)
  static let greetEach =
    ProtobufMethod<Example_GreetRequest, Example_GreetResponse>(name, "GreetEach", .bidirectional)
}
