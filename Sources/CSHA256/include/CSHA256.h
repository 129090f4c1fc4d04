// SHA-256.
#ifndef C_SHA256_H
#define C_SHA256_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Puts the digest of `count` bytes into `digest`, which has room for 32.
void sha256(const void *bytes, size_t count, uint8_t *digest);

#ifdef __cplusplus
}
#endif

#endif
