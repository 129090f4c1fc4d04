import GRPC
import GRPCProtobuf
import NIOCore

/// Calls every method once and prints what comes.
func call(_ address: ServerAddress, tls: TLSConfiguration?) async throws {
  let client =
    if let tls { try GRPCClient(target: address, tls: tls) } else { GRPCClient(target: address) }
  let options = CallOptions(timeout: .seconds(10))

  // One request, one response.
  let greeting = try await client.unary(
    Greeter.greet, .with { $0.name = "Ada" }, options: options)
  print(greeting.message.text)

  // A status that is not OK is thrown, here with a detail.
  do {
    _ = try await client.unary(Greeter.greet, Example_GreetRequest(), options: options)
  } catch {
    let missing = error.details(as: Example_MissingField.self).map(\.field)
    print("\(error.code.name): \(error.message) (\(missing.joined(separator: ", ")))")
  }

  // Many responses. Leaving the loop lets go of the call, which ends it on the server too.
  let often = try client.serverStream(
    Greeter.greetOften, .with { $0.name = "Grace" }, options: options)
  var count = 0
  for try await response in often {
    count += 1
    if count == 3 {
      print("\(response.text) (\(count))")
      break
    }
  }

  // Many requests, one response.
  let all = client.clientStream(Greeter.greetAll, options: options)
  for name in ["Barbara", "Frances"] { try await all.requests.send(.with { $0.name = name }) }
  all.requests.finish()
  print(try await all.response().message.text)

  // Both ways: one task writes while another reads.
  let each = client.bidirectional(Greeter.greetEach, options: options)
  async let writing: Void = {
    for name in ["Jean", "Betty"] { try await each.requests.send(.with { $0.name = name }) }
    each.requests.finish()
  }()
  for try await response in each.responses { print(response.text) }
  try await writing

  await client.shutDown()
}
