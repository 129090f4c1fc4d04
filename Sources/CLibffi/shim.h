#include <ffi.h>

// Swift cannot take the address of the imported ffi_type globals; these return it.
static inline ffi_type *bridge_ffi_type_void(void) { return &ffi_type_void; }
static inline ffi_type *bridge_ffi_type_uint8(void) { return &ffi_type_uint8; }
static inline ffi_type *bridge_ffi_type_sint8(void) { return &ffi_type_sint8; }
static inline ffi_type *bridge_ffi_type_uint16(void) { return &ffi_type_uint16; }
static inline ffi_type *bridge_ffi_type_sint16(void) { return &ffi_type_sint16; }
static inline ffi_type *bridge_ffi_type_uint32(void) { return &ffi_type_uint32; }
static inline ffi_type *bridge_ffi_type_sint32(void) { return &ffi_type_sint32; }
static inline ffi_type *bridge_ffi_type_uint64(void) { return &ffi_type_uint64; }
static inline ffi_type *bridge_ffi_type_sint64(void) { return &ffi_type_sint64; }
static inline ffi_type *bridge_ffi_type_float(void) { return &ffi_type_float; }
static inline ffi_type *bridge_ffi_type_double(void) { return &ffi_type_double; }
static inline ffi_type *bridge_ffi_type_pointer(void) { return &ffi_type_pointer; }

// The address of ffi_call, for whoever calls it where exceptions are caught.
static inline void *bridge_ffi_call_address(void) { return (void *)ffi_call; }
