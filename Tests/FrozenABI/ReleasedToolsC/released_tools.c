// The tour with the headers as they were released.
#define ID frozen_c
#include "../Tour/tour.h"
