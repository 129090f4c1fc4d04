import Testing

@testable import GRPC

@Suite struct CallLifeTests {
  private func expect(
    _ life: borrowing CallLife, over: Bool, cancelled: Bool,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let (isOver, isCancelled) = (life.isOver, life.isCancelled)
    #expect(isOver == over && isCancelled == cancelled, sourceLocation: sourceLocation)
  }

  @Test func aCallIsOverOnceItIsFinished() {
    let life = CallLife()
    expect(life, over: false, cancelled: false)
    life.finish()
    expect(life, over: true, cancelled: false)
  }

  @Test func aCancelledCallStaysCancelled() {
    let life = CallLife()
    life.cancel()
    expect(life, over: true, cancelled: true)
    life.finish()
    expect(life, over: true, cancelled: true)
  }

  @Test func aFinishedCallIsNotCancelled() async {
    await #expect(processExitsWith: .failure) {
      let life = CallLife()
      life.finish()
      life.cancel()
    }
  }
}
