// glibc's allocator beyond malloc(3): mallopt(3), mallinfo(3), malloc_trim(3).
#include <malloc.h>
