// The files that new plugins begin with.
#ifndef C_PLUGIN_TEMPLATES_H
#define C_PLUGIN_TEMPLATES_H

#include <stddef.h>

// One file of a new plugin's folder.
typedef struct plugin_template_file {
  const char *language; // as `--lang` has it
  const char *path;     // in the folder
  const unsigned char *data;
  size_t length;
  int is_template; // whether the plugin's name is filled in
  int is_program;  // whether it can be run
} plugin_template_file;

// All files of all languages.
const plugin_template_file *plugin_template_files(size_t *count);

#endif
