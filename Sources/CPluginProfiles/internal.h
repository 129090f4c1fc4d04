// Between the files of this module.
#ifndef PLUGIN_PROFILES_INTERNAL_H
#define PLUGIN_PROFILES_INTERNAL_H

#include "CPluginProfiles.h"

// Whether the kernel has filters of system calls.
int plugin_has_filters(void);
// Binds the calling thread to a filter. Answers 0, or an errno.
int plugin_install_filter(const struct plugin_filter *filter);

#endif
