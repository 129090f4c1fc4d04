// SwiftPM wants a public header.
