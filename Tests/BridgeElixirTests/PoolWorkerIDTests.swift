import Testing

@testable import BridgeElixir

@Suite struct PoolWorkerIDTests {
  @Test(arguments: [
    ("/tmp/snakepit_ready_default_worker_1_82_5123", "default_worker_1_82"),
    ("snakepit_ready_w_7", "w"),
    ("/a/b/snakepit_ready_pool.x-y_worker_3_1_2", "pool.x-y_worker_3_1"),
  ])
  func theIDStandsBetweenPrefixAndNumber(path: String, id: String) {
    #expect(PoolWorkerID.id(readyFile: path) == id)
  }

  @Test(arguments: [
    "", "/", "/tmp/ready", "/tmp/snakepit_ready_", "/tmp/snakepit_ready__7",
    "/tmp/snakepit_ready_w",
    "/tmp/snakepit_ready_w_", "/tmp/snakepit_ready_w_7x", "/tmp/snakepit_ready_7",
  ])
  func otherNamesHaveNone(path: String) { #expect(PoolWorkerID.id(readyFile: path) == nil) }
}
