import Testing

@testable import GRPC

/// Certificates that mean nothing outside of these tests, valid from 2020 to 2120, as files that are
/// gone with the value. Wire tests make theirs on the fly; nothing in Swift does.
final class TestCertificates: Sendable {
  /// What has signed all others.
  let authority: TemporaryFile
  /// For localhost, *.example.test and 127.0.0.1.
  let server: Pair
  /// For elsewhere.test, with localhost as its common name.
  let elsewhere: Pair
  /// As `server`, until 2021.
  let expired: Pair
  let client: Pair

  struct Pair: Sendable {
    let certificate: TemporaryFile
    let key: TemporaryFile

    var identity: TLSConfiguration.Identity {
      .init(certificateFile: certificate.path, keyFile: key.path)
    }
  }

  init() throws {
    authority = try TemporaryFile(Self.authorityText)
    server = try Pair(Self.serverText)
    elsewhere = try Pair(Self.elsewhereText)
    expired = try Pair(Self.expiredText)
    client = try Pair(Self.clientText)
  }

  private static let authorityText = """
    -----BEGIN CERTIFICATE-----
    MIIBSDCB76ADAgECAhRnrmuoQog1au0ed2vtcjyI9sy1cjAKBggqhkjOPQQDAjAZ
    MRcwFQYDVQQDDA50ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw
    MDEwMTAwMDAwMFowGTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwWTATBgcqhkjO
    PQIBBggqhkjOPQMBBwNCAATdd/s8Dj3z/A1xJFJubL1Ai0XLOs8bQAHqcKEcXqXK
    2lEqPV6VF2p6rDE0UBpL1u5jySNJRy3l8aQmkBZhOJCnoxMwETAPBgNVHRMBAf8E
    BTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIBy68+mC3AHEt5uQ8kW33XGmTOkN4VS3
    WiNQzwvOTiE7AiEAqcJedQnsIO9jE0khhG7TZrE9HlXjmPoJ+Y6EKvG2AGM=
    -----END CERTIFICATE-----

    """

  private static let serverText = (
    certificate: """
    -----BEGIN CERTIFICATE-----
    MIIBazCCARCgAwIBAgIURFeueyvDd6iyDnQvcmKvYuZB/fYwCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAwMDAwWhgPMjEy
    MDAxMDEwMDAwMDBaMBExDzANBgNVBAMMBnNlcnZlcjBZMBMGByqGSM49AgEGCCqG
    SM49AwEHA0IABIf7dXzunf5TB7EiH2TtDCRAcDc9XoyJneqKqIBEdxdTNElN4Thc
    9PjR1FKPEd0kVVfZgFDa24hRzYWWcKk1wrCjPDA6MAwGA1UdEwEB/wQCMAAwKgYD
    VR0RBCMwIYIJbG9jYWxob3N0gg4qLmV4YW1wbGUudGVzdIcEfwAAATAKBggqhkjO
    PQQDAgNJADBGAiEAn8b5NrJhBl88k2/X3TUR7MhfcDwTNjYxuUVzq+yeeYQCIQD+
    L/8PL/qFRMtv0zv2gdV33pWNjFVR5d+dvkrEUZMlJQ==
    -----END CERTIFICATE-----

    """,
    key: """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeveQ+y2UwvwONnJO
    W0yl4LViUcl5XQZuam5oHyj8CfGhRANCAASH+3V87p3+UwexIh9k7QwkQHA3PV6M
    iZ3qiqiARHcXUzRJTeE4XPT40dRSjxHdJFVX2YBQ2tuIUc2FlnCpNcKw
    -----END PRIVATE KEY-----

    """
  )

  private static let elsewhereText = (
    certificate: """
    -----BEGIN CERTIFICATE-----
    MIIBXDCCAQKgAwIBAgIUNAqzgKD665VdtlYO9NI9HtnUxaYwCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAwMDAwWhgPMjEy
    MDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEG
    CCqGSM49AwEHA0IABKqJQOxNwF5cOXUF/Lt9IfyDP0k6tYSWr/zPWAgVTmThK/OD
    WaMPvTDlO5AnSWKAhhCySSNzQ8oWNu/yuaev0QCjKzApMAwGA1UdEwEB/wQCMAAw
    GQYDVR0RBBIwEIIOZWxzZXdoZXJlLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIhAIym
    /DNEKrsxaOYP18odX6EZdgG7Cuedj4SNK08FiqrhAiBwP6PoIsE8En5T2CkUymvv
    2L5CLJJrBw05df/82WfcBg==
    -----END CERTIFICATE-----

    """,
    key: """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkvqWauDU6/dKeG3l
    wrwAvh0rbWYNrMbGnBMzENEnQvqhRANCAASqiUDsTcBeXDl1Bfy7fSH8gz9JOrWE
    lq/8z1gIFU5k4Svzg1mjD70w5TuQJ0ligIYQskkjc0PKFjbv8rmnr9EA
    -----END PRIVATE KEY-----

    """
  )

  private static let expiredText = (
    certificate: """
    -----BEGIN CERTIFICATE-----
    MIIBWDCB/6ADAgECAhR6lSzv7bH5SX2iamsvJouyw0mu8TAKBggqhkjOPQQDAjAZ
    MRcwFQYDVQQDDA50ZXN0IGF1dGhvcml0eTAeFw0yMDAxMDEwMDAwMDBaFw0yMTAx
    MDEwMDAwMDBaMBIxEDAOBgNVBAMMB2V4cGlyZWQwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAR8RwYOs+dIYSfu7E58fzTxNYDQ0gRFXMIgjTjWZG8Oi9p81xsobQDB
    3MSPz4DOZtDpexWvZWf4ya5GhBXpcpxkoywwKjAMBgNVHRMBAf8EAjAAMBoGA1Ud
    EQQTMBGCCWxvY2FsaG9zdIcEfwAAATAKBggqhkjOPQQDAgNIADBFAiEAqchrtv9N
    BqZjcnfvEopEf5m75DDjzMei1QDsHf5KWyQCIEswZKaFgLVV0qtpVC/UJM+qRFtp
    F+7QjrL/eldRy4VW
    -----END CERTIFICATE-----

    """,
    key: """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyVqPHPn2FN3gACBY
    ZQQk+HQ7wSlvP8uuu7yt+EUC/5mhRANCAAR8RwYOs+dIYSfu7E58fzTxNYDQ0gRF
    XMIgjTjWZG8Oi9p81xsobQDB3MSPz4DOZtDpexWvZWf4ya5GhBXpcpxk
    -----END PRIVATE KEY-----

    """
  )

  private static let clientText = (
    certificate: """
    -----BEGIN CERTIFICATE-----
    MIIBVTCB/KADAgECAhQdFp0j7+ak0YUmtZ2EqKbOw7YyKjAKBggqhkjOPQQDAjAZ
    MRcwFQYDVQQDDA50ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIw
    MDEwMTAwMDAwMFowETEPMA0GA1UEAwwGY2xpZW50MFkwEwYHKoZIzj0CAQYIKoZI
    zj0DAQcDQgAEZ4xPuETuWei1aDRbd5s69nEQ3DXOOCpgQMK+HvnzkOgLleJ4l5KQ
    B7LcZFqRngGcgzVkCQV8nuB6l62qX0mgDqMoMCYwDAYDVR0TAQH/BAIwADAWBgNV
    HREEDzANggtjbGllbnQudGVzdDAKBggqhkjOPQQDAgNIADBFAiEAh8WQu7tzQg0C
    1YV9E9LwdZA+TZ+k+4MB2yr2OMk20doCIH0pcLfdF1mDKOpLCq3eK5sv8gKjeH69
    HmMGh43zWL9y
    -----END CERTIFICATE-----

    """,
    key: """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1pcSl/BnPPYv0t3I
    vUzr8lx/YiUrR5Fi3BJtLVtms8ShRANCAARnjE+4RO5Z6LVoNFt3mzr2cRDcNc44
    KmBAwr4e+fOQ6AuV4niXkpAHstxkWpGeAZyDNWQJBXye4HqXrapfSaAO
    -----END PRIVATE KEY-----

    """
  )
}

extension TestCertificates.Pair {
  fileprivate init(_ text: (certificate: String, key: String)) throws {
    certificate = try TemporaryFile(text.certificate)
    key = try TemporaryFile(text.key)
  }
}
