// The tour with the headers of a pretended next version.
#define ID next_c
#define NEXT_FIELD
#include "../Tour/tour.h"
