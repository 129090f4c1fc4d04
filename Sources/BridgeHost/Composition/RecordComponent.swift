internal import BridgeRecording

/// The record of calls, which is whole once its thread has written what waits.
final class RecordComponent: HostComponent {
  let name = "record"
  private let recorder: CallRecorder

  init(_ recorder: CallRecorder) { self.recorder = recorder }

  func start() {}

  func stop() { recorder.stop() }
}
