internal import BinaryFormats

/// Inputs that are right, or nearly, to start mutations from.
public enum Samples {
  /// Arrays of all types in all formats, and what other programs write of the formats.
  public static func all(using random: inout RandomBits) -> [[UInt8]] {
    var samples = foreign
    for format in BinaryFormat.allCases {
      for type in ElementType.allCases {
        samples.append(format.write(.random(type, using: &random)))
      }
    }
    for format in [BinaryFormat.erlang] {
      for _ in 0..<4 {
        samples.append(compressed(Array(format.write(.random(using: &random)).dropFirst())))
      }
    }
    return samples
  }

  /// What the writers here do not write.
  private static let foreign: [[UInt8]] = [
    // pickle: protocols 0 and 1, tuples, the memo, POP, DUP, LONG4, a list inside of itself
    Array("(lp0\nF1.5\naI-3\naL70000L\naI01\na.".utf8),
    Array("(lp0\n(lp1\nI1\naag1\na.".utf8),
    [0x28, 0x4B, 1, 0x4B, 2, 0x74, 0x2E],
    [0x80, 2, 0x5D, 0x71, 0, 0x28, 0x68, 0, 0x68, 0, 0x65, 0x2E],
    [0x80, 4, 0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x5D, 0x94, 0x28, 0x4B, 1, 0x88, 0x89, 0x65, 0x2E],
    [0x80, 5, 0x4B, 1, 0x32, 0x32, 0x87, 0x94, 0x30, 0x68, 0, 0x85, 0x2E],
    [0x80, 3, 0x8B, 9, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0x2E],
    [0x5D, 0x32, 0x61, 0x2E],
    Array("cos\nsystem\n(S'true'\ntR.".utf8),
    // erlang_binary: strings, tuples, atoms, big integers, text floats, binaries
    [131, 107, 0, 3, 1, 2, 3],
    [131, 104, 2, 107, 0, 1, 7, 108, 0, 0, 0, 1, 97, 7, 106],
    [131, 108, 0, 0, 0, 3, 100, 0, 3] + Array("nan".utf8) + [118, 0, 4] + Array("true".utf8)
      + [110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128, 106],
    [131, 111, 0, 0, 0, 1, 0, 9],
    [131, 99] + Array("1.50000000000000000000e+00".utf8) + [0, 0, 0, 0, 0],
    [131, 109, 0, 0, 0, 4, 0, 0, 128, 63],
    // numpy: version 2, columns first, big-endian
    npy("{'descr':'>i2','fortran_order':True,'shape':(2,3)}", version: 2)
      + [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6],
    npy("{\"shape\": (1099511627776, 0), 'fortran_order': False, 'descr': '<f8', }"),
    npy("{'descr': '|O', 'fortran_order': False, 'shape': (1L,), }") + [0],
  ]

  /// The beginning of a .npy file.
  public static func npy(_ header: String, version: UInt8 = 1) -> [UInt8] {
    var bytes = [0x93] + Array("NUMPY".utf8) + [version, 0]
    let length = UInt32(header.utf8.count)
    withUnsafeBytes(of: length.littleEndian) { bytes += $0.prefix(version == 1 ? 2 : 4) }
    return bytes + header.utf8
  }

  /// A compressed term, in zlib's form for content that is not compressible.
  ///
  /// - Parameter term: Without the version; at most 65,535 bytes.
  public static func compressed(_ term: [UInt8], claiming size: Int? = nil) -> [UInt8] {
    var bytes: [UInt8] = [131, 80]
    withUnsafeBytes(of: UInt32(size ?? term.count).bigEndian) { bytes += $0 }
    bytes += [0x78, 0x01, 0x01]
    withUnsafeBytes(of: UInt16(term.count).littleEndian) { bytes += $0 }
    withUnsafeBytes(of: ~UInt16(term.count).littleEndian) { bytes += $0 }
    bytes += term
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in term {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    withUnsafeBytes(of: (high << 16 | low).bigEndian) { bytes += $0 }
    return bytes
  }
}
