import BinaryFormats
import BinaryFormatsFuzzing
import Testing

@Suite struct NumpyTests {
  private func read(_ header: String, _ bytes: [UInt8], version: UInt8 = 1) throws -> BinaryArray {
    try BinaryFormat.numpy.read(Samples.npy(header, version: version) + bytes)
  }

  @Test func headersInManySpellings() throws {
    let elements: [UInt8] = [1, 2, 3, 4, 5, 6]
    for (header, shape) in [
      ("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", [2, 3]),
      ("{'shape':(2,3),'fortran_order':False,'descr':'|u1'}", [2, 3]),
      ("{\"descr\": \"u1\", 'fortran_order': False, 'shape': (6,)}\n", []),
      ("{ 'descr' : '<u1' ,\n'fortran_order':\tFalse, 'shape': ( 6 , ) }   \n", [6]),
      ("{'descr': '|u1', 'fortran_order': False, 'shape': (6L, 1L), }", [6, 1]),
    ] {
      for version in 1...3 as ClosedRange<UInt8> {
        if shape.isEmpty {
          #expect(throws: BinaryFormatError.self) { try read(header, elements, version: version) }
        } else {
          let array = try read(header, elements, version: version)
          #expect(array.shape == shape)
          #expect(array.bytes == elements)
        }
      }
    }
    #expect(try read("{'descr':'<i2','fortran_order':False,'shape':()}", [7, 0]).shape == [])
  }

  @Test func columnsFirstIsTransposed() throws {
    let array = try read(
      "{'descr':'>i2','fortran_order':True,'shape':(2,3)}",
      [
        0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6,
      ])
    #expect(array.numbers == [1, 2, 3, 4, 5, 6])
    let cube = try read(
      "{'descr':'|u1','fortran_order':True,'shape':(2,2,3)}",
      [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11])
    #expect(cube.numbers == (0..<12).map(Double.init))
  }

  @Test func malformedHeaders() {
    let good = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}"
    func expect(_ header: String, _ word: String) {
      expectRefused(.numpy, Samples.npy(header) + [1], "byte", word)
    }
    expect(good + "x", "end")
    expect(String(good.dropLast()), "}")
    expect("{'descr': '|u1', 'fortran_order': False}", "must have")
    expect("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "descr")
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'x': 1}", "'x'")
    expect("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "'|O'")
    expect("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "structured")
    expect("{'descr': '\\x75', 'fortran_order': False, 'shape': (1,)}", "string")
    expect("{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}", "True or False")
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (1)}", "comma")
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}", "length")
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (__import__('os'),)}", "length")
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", "large")
    expectRefused(.numpy, Array("PK".utf8), "NUMPY")
    var future = Samples.npy(good) + [1]
    future[6] = 4
    expectRefused(.numpy, future, "4.0")
    future[6] = 2
    expectRefused(.numpy, future, "header")
  }

  @Test func claimsAreNotBelieved() {
    for shape in ["(1099511627776,)", "(4294967296, 4294967296)", "(4611686018427387904, 4)"] {
      expectRefused(
        .numpy, Samples.npy("{'descr':'<f8','fortran_order':False,'shape':\(shape)}"),
        "bytes", code: .mismatch)
    }
  }

  @Test func writesWhatNumpyWrites() {
    let bytes = BinaryFormat.numpy.write(
      BinaryArray(shape: [3], elementType: .float32, bytes: Array(repeating: 0, count: 12)))
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"
    #expect(bytes.count == 128 + 12)
    #expect(Array(bytes[..<10]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
    #expect(
      String(decoding: bytes[10..<128], as: UTF8.self)
        == header + String(repeating: " ", count: 117 - header.utf8.count) + "\n")
  }

  /// numpy refuses headers of more than 10,000 bytes, too.
  @Test func headersHaveALimit() throws {
    let header = "{'descr':'|u1','fortran_order':False,'shape':(1,)}"
    for version: UInt8 in [2, 3] {
      for (length, isTaken) in [(10_000, true), (10_001, false)] {
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [version, 0]
        bytes += [UInt8(length & 255), UInt8(length >> 8), 0, 0]
        bytes += Array(header.utf8)
        bytes += [UInt8](repeating: 0x20, count: length - header.utf8.count)
        let array = try? BinaryFormat.numpy.read(bytes + [7])
        #expect((array?.bytes == [7]) == isTaken, "\(length)")
      }
    }
  }

  @Test func dimensionsHaveALimit() throws {
    func header(_ rank: Int) -> String {
      let shape = String(repeating: "1,", count: rank)
      return "{'descr':'|u1','fortran_order':False,'shape':(\(shape))}"
    }
    #expect(try read(header(32), [7]).shape == Array(repeating: 1, count: 32))
    #expect(throws: BinaryFormatError.self) { try read(header(33), [7]) }
  }
}
