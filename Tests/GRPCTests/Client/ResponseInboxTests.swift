import Testing
import Threads

@testable import GRPC

/// What a client gives back of a stream's window, and how a response is told, byte by byte.
@Suite struct ResponseInboxTests {
  private final class Told: Sendable {
    let bytes = Locked<[Int]>([])
    let errors = Locked<[StatusCode]>([])
  }

  private let told = Told()
  private let inbox: ResponseInbox

  /// A quarter of the window is 10 bytes.
  init() {
    let told = told
    inbox = ResponseInbox(
      window: 40, messageLimit: 100,
      returnBytes: { count in told.bytes.withLock { $0.append(count) } },
      giveUp: { error in told.errors.withLock { $0.append(error.code) } })
  }

  /// A message of so many bytes, which takes five more on the stream.
  private func message(_ count: Int) -> ReceivedMessage {
    ReceivedMessage(bytes: [UInt8](repeating: 7, count: count), isCompressed: false)
  }

  @Test func unreadMessagesKeepTheirBytes() async throws {
    #expect(inbox.receive([message(4), message(1)], byteCount: 20) == 0)
    #expect(told.bytes.withLock { $0 } == [])
    // The first is taken: 9 bytes of it, and 5 of the one that is not complete.
    #expect(try await inbox.next()?.count == 4)
    #expect(told.bytes.withLock { $0 } == [14])
    // Six bytes are too few to say so.
    #expect(try await inbox.next()?.count == 1)
    #expect(told.bytes.withLock { $0 } == [14])
  }

  @Test func tenBytesAreReturnedAndNineAreNot() async throws {
    _ = inbox.receive([message(4)], byteCount: 9)
    #expect(try await inbox.next()?.count == 4)
    #expect(told.bytes.withLock { $0 } == [])
    _ = inbox.receive([message(0)], byteCount: 5)
    #expect(try await inbox.next()?.count == 0)
    #expect(told.bytes.withLock { $0 } == [14])
    _ = inbox.receive([message(5)], byteCount: 10)
    #expect(try await inbox.next()?.count == 5)
    #expect(told.bytes.withLock { $0 } == [14, 10])
  }

  @Test func whileSomebodyWaitsBytesGoBackAtOnce() async throws {
    let inbox = inbox
    async let waiting = inbox.next()
    // Until it waits nothing goes back: three bytes of a message that is still arriving.
    var returned = 0
    while returned == 0 {
      returned = inbox.receive([], byteCount: 3)
      await Task.yield()
    }
    #expect(returned % 3 == 0)
    // With two more, one is given to who waits and the other keeps its bytes.
    #expect(inbox.receive([message(1), message(2)], byteCount: 13) == 6)
    #expect(try await waiting?.count == 1)
    #expect(inbox.receive([], byteCount: 1) == 0)
  }

  @Test func theEndComesAfterTheMessages() async throws {
    _ = inbox.receive([message(1)], byteCount: 6)
    var metadata = Metadata()
    metadata.add("v", for: "k")
    inbox.receive(metadata)
    inbox.finish(.failed(.aborted, "no"), dropping: false)
    #expect(try await inbox.next()?.count == 1)
    for _ in 0..<2 {
      do throws(RPCError) {
        _ = try await inbox.next()
        Issue.record("there is no more")
      } catch {
        #expect(error.code == .aborted && error.headers["k"] == "v")
      }
    }
    #expect(try await inbox.metadata()["k"] == "v")
    #expect(await inbox.end().error?.code == .aborted)
    #expect(told.errors.withLock { $0 } == [])
  }

  @Test func anEndThatDropsLeavesNothingToRead() async throws {
    _ = inbox.receive([message(1)], byteCount: 6)
    inbox.finish(.failed(.cancelled, "mine"), dropping: true)
    do throws(RPCError) {
      _ = try await inbox.next()
      Issue.record("it was dropped")
    } catch {
      #expect(error.code == .cancelled)
    }
    do throws(RPCError) {
      _ = try await inbox.metadata()
      Issue.record("there is none")
    } catch {
      #expect(error.code == .cancelled)
    }
  }

  @Test func aResponseWithoutMetadataHasNone() async throws {
    inbox.finish(CallEnd(), dropping: false)
    #expect(try await inbox.metadata().isEmpty)
    #expect(try await inbox.next() == nil)
    #expect(await inbox.end().error == nil)
  }

  @Test func allWhoWaitAreTold() async throws {
    let inbox = inbox
    async let metadata = inbox.metadata()
    async let end = inbox.end()
    async let message = inbox.next()
    await Task.yield()
    var head = Metadata()
    head.add("v", for: "k")
    inbox.receive(head)
    #expect(try await metadata["k"] == "v")
    inbox.finish(CallEnd(), dropping: false)
    #expect(try await message == nil)
    #expect(await end.error == nil)
  }

  @Test func whatDoesNotInflateEndsTheCall() async throws {
    _ = inbox.receive(
      [ReceivedMessage(bytes: [1, 2, 3], isCompressed: true), message(1)], byteCount: 14)
    do throws(RPCError) {
      _ = try await inbox.next()
      Issue.record("it is no gzip")
    } catch {
      #expect(told.errors.withLock { $0 } == [error.code])
    }
    // What comes later changes nothing.
    inbox.finish(CallEnd(), dropping: false)
    #expect(await inbox.end().error != nil)
    do throws(RPCError) {
      _ = try await inbox.next()
      Issue.record("it is over")
    } catch {}
  }

  @Test func theOnlyMessageIsTaken() throws {
    var head = Metadata()
    head.add("v", for: "k")
    inbox.receive(head)
    let empty = try inbox.takeOnly()
    #expect(empty.message == nil && empty.metadata["k"] == "v")
    _ = inbox.receive([message(3)], byteCount: 8)
    #expect(try inbox.takeOnly().message?.count == 3)
    _ = inbox.receive([ReceivedMessage(bytes: [1], isCompressed: true)], byteCount: 6)
    do throws(RPCError) {
      _ = try inbox.takeOnly()
      Issue.record("it is no gzip")
    } catch {
      #expect(error.headers["k"] == "v")
    }
  }
}
