// Sources: DWARF 5; elfutils/libdw.h; elf(5).
#define _GNU_SOURCE
#include "CDebugInfo.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// MARK: Whether there is any

static int read_at(int file, void *bytes, size_t count, uint64_t offset) {
  return pread(file, bytes, count, (off_t)offset) == (ssize_t)count;
}

int debug_is_there(int file) {
  Elf64_Ehdr header;
  Elf64_Shdr section, names;
  if (!read_at(file, &header, sizeof header, 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_shentsize != sizeof section)
    return 0;
  if (!read_at(file, &names, sizeof names, header.e_shoff + header.e_shstrndx * sizeof names)) return 0;
  for (unsigned index = 0; index < header.e_shnum; index++) {
    char name[sizeof ".debug_info"] = "";
    if (!read_at(file, &section, sizeof section, header.e_shoff + index * sizeof section)) return 0;
    if (section.sh_type == SHT_PROGBITS && section.sh_name < names.sh_size &&
        read_at(file, name, sizeof name, names.sh_offset + section.sh_name) &&
        strcmp(name, ".debug_info") == 0)
      return 1;
  }
  return 0;
}

// MARK: libdw

#define FUNCTIONS(each)                                                                              \
  each(dwarf_begin) each(dwarf_end) each(dwarf_nextcu) each(dwarf_offdie) each(dwarf_child)          \
      each(dwarf_siblingof) each(dwarf_tag) each(dwarf_diename) each(dwarf_attr_integrate)           \
          each(dwarf_formflag) each(dwarf_formref_die) each(dwarf_formudata) each(dwarf_formstring)  \
              each(dwarf_hasattr_integrate) each(dwarf_aggregate_size) each(dwarf_srclang)           \
                  each(dwarf_getsrc_die) each(dwarf_linesrc) each(dwarf_lineno)

static struct {
#define DECLARE(name) __typeof__(&name) name;
  FUNCTIONS(DECLARE)
#undef DECLARE
  int is_there;
} dw;

static void load(void) {
  void *library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
#define FIND(name)                                        \
  dw.name = (__typeof__(dw.name))dlsym(library, #name);   \
  if (!dw.name) return;
  FUNCTIONS(FIND)
#undef FIND
  dw.is_there = 1;
}

static int is_loaded(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return dw.is_there;
}

// MARK: Types

// Follows an attribute that leads to a type.
static int type_of(Dwarf_Die *die, Dwarf_Die *type) {
  Dwarf_Attribute attribute;
  return dw.dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
         dw.dwarf_formref_die(&attribute, type);
}

static int is_alias(int tag) {
  return tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
         tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type;
}

// What the names and qualifiers stand for. Returns 0 for void.
static int plain(Dwarf_Die *die, Dwarf_Die *type) {
  *type = *die;
  // No chain is this long, but for one that goes in a circle.
  for (int depth = 0; depth < 64 && is_alias(dw.dwarf_tag(type)); depth++) {
    Dwarf_Die next;
    if (!type_of(type, &next)) return 0;
    *type = next;
  }
  return 1;
}

static enum debug_kind base_kind(Dwarf_Die *type) {
  Dwarf_Attribute attribute;
  Dwarf_Word encoding;
  const char *name = dw.dwarf_diename(type);
  if (!dw.dwarf_attr_integrate(type, DW_AT_encoding, &attribute) ||
      dw.dwarf_formudata(&attribute, &encoding) != 0)
    return DEBUG_OTHER;
  switch (encoding) {
  case DW_ATE_boolean: return DEBUG_BOOLEAN;
  case DW_ATE_signed: return DEBUG_SIGNED;
  case DW_ATE_unsigned: return DEBUG_UNSIGNED;
  case DW_ATE_float: return DEBUG_FLOAT;
  case DW_ATE_signed_char:
  case DW_ATE_unsigned_char: {
    if (name && strcmp(name, "char") == 0) return DEBUG_WHOLE;
    return encoding == DW_ATE_signed_char ? DEBUG_SIGNED : DEBUG_UNSIGNED;
  }
  case DW_ATE_UTF: return DEBUG_WHOLE;
  default: return DEBUG_OTHER;
  }
}

static enum debug_kind kind_of(Dwarf_Die *type) {
  switch (dw.dwarf_tag(type)) {
  case DW_TAG_base_type: return base_kind(type);
  case DW_TAG_enumeration_type: return DEBUG_WHOLE;
  case DW_TAG_pointer_type:
  case DW_TAG_reference_type:
  case DW_TAG_rvalue_reference_type: return DEBUG_POINTER;
  case DW_TAG_structure_type:
  case DW_TAG_class_type: return DEBUG_STRUCT;
  case DW_TAG_union_type: return DEBUG_UNION;
  case DW_TAG_subroutine_type: return DEBUG_FUNCTION;
  default: return DEBUG_OTHER;
  }
}

static uint64_t size_of(Dwarf_Die *type, enum debug_kind kind) {
  if (kind == DEBUG_POINTER) return sizeof(void *);
  Dwarf_Word size = 0;
  return dw.dwarf_aggregate_size(type, &size) == 0 ? size : 0;
}

static void append(char *text, size_t room, const char *more) {
  const size_t length = strlen(text);
  snprintf(text + length, room - length, "%s", more);
}

static void write_name(Dwarf_Die *type, int is_there, char *text, size_t room, int depth) {
  if (!is_there) return append(text, room, "void");
  const int tag = dw.dwarf_tag(type);
  Dwarf_Die target;
  const char *name = dw.dwarf_diename(type);
  if (depth < 8 && (tag == DW_TAG_pointer_type || tag == DW_TAG_const_type)) {
    const int has_target = type_of(type, &target);
    // The const of a pointer stands behind it.
    const int is_behind = has_target && dw.dwarf_tag(&target) == DW_TAG_pointer_type;
    if (tag == DW_TAG_const_type && !is_behind) append(text, room, "const ");
    write_name(&target, has_target, text, room, depth + 1);
    if (tag == DW_TAG_pointer_type) append(text, room, "*");
    if (tag == DW_TAG_const_type && is_behind) append(text, room, " const");
    return;
  }
  if (tag == DW_TAG_structure_type) append(text, room, "struct ");
  if (tag == DW_TAG_union_type) append(text, room, "union ");
  if (tag == DW_TAG_enumeration_type) append(text, room, "enum ");
  if (tag == DW_TAG_subroutine_type) return append(text, room, "function");
  append(text, room, name ? name : "a type without a name");
}

static void describe(Dwarf_Die *die, int is_there, struct debug_type *type) {
  Dwarf_Die found, target;
  memset(type, 0, sizeof *type);
  type->kind = DEBUG_VOID;
  write_name(die, is_there, type->name, sizeof type->name, 0);
  if (!is_there || !plain(die, &found)) return;
  type->kind = kind_of(&found);
  type->size = size_of(&found, type->kind);
  if (type->kind != DEBUG_POINTER) return;
  type->target = DEBUG_VOID;
  if (!type_of(&found, &target) || !plain(&target, &found)) return;
  type->target = kind_of(&found);
  type->target_size = size_of(&found, type->target);
}

// MARK: Functions

enum { parameter_limit = 64 };

static int flag(Dwarf_Die *die, unsigned name) {
  Dwarf_Attribute attribute;
  bool value = false;
  return dw.dwarf_attr_integrate(die, name, &attribute) &&
         dw.dwarf_formflag(&attribute, &value) == 0 && value;
}

static int is_c(Dwarf_Die *unit) {
  switch (dw.dwarf_srclang(unit)) {
  case DW_LANG_C:
  case DW_LANG_C89:
  case DW_LANG_C99:
  case DW_LANG_C11: return 1;
  default: return 0;
  }
}

static void read_function(
    Dwarf_Die *unit, Dwarf_Die *die, struct debug_function *function,
    struct debug_parameter *parameters) {
  Dwarf_Die type, child;
  memset(function, 0, sizeof *function);
  function->parameters = parameters;
  describe(&type, type_of(die, &type), &function->returns);
  function->is_unprototyped = is_c(unit) && !flag(die, DW_AT_prototyped);
  for (int more = dw.dwarf_child(die, &child); more == 0; more = dw.dwarf_siblingof(&child, &child)) {
    const int tag = dw.dwarf_tag(&child);
    if (tag == DW_TAG_unspecified_parameters) function->is_variadic = 1;
    if (tag != DW_TAG_formal_parameter) continue;
    if (function->parameter_count == parameter_limit) continue;
    struct debug_parameter *parameter = &parameters[function->parameter_count++];
    const char *name = dw.dwarf_diename(&child);
    snprintf(parameter->name, sizeof parameter->name, "%s", name ? name : "");
    describe(&type, type_of(&child, &type), &parameter->type);
  }
}

static const char *symbol_name(Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  const char *name = NULL;
  if (dw.dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
    name = dw.dwarf_formstring(&attribute);
  return name ? name : dw.dwarf_diename(die);
}

int debug_functions(
    int file, const char *const *names, size_t count, void *context,
    void (*found)(void *context, size_t name, const struct debug_function *function)) {
  if (!is_loaded()) return -1;
  Dwarf *debug = dw.dwarf_begin(file, DWARF_C_READ);
  if (!debug) return -2;
  Dwarf_Off offset = 0, next = 0;
  size_t header = 0;
  while (dw.dwarf_nextcu(debug, offset, &next, &header, NULL, NULL, NULL) == 0) {
    Dwarf_Die unit, die;
    const Dwarf_Off start = offset + header;
    offset = next;
    if (!dw.dwarf_offdie(debug, start, &unit)) continue;
    for (int more = dw.dwarf_child(&unit, &die); more == 0; more = dw.dwarf_siblingof(&die, &die)) {
      // Only what is defined here and seen from outside.
      if (dw.dwarf_tag(&die) != DW_TAG_subprogram || flag(&die, DW_AT_declaration) ||
          !flag(&die, DW_AT_external))
        continue;
      const char *name = symbol_name(&die);
      for (size_t index = 0; name && index < count; index++) {
        if (strcmp(name, names[index]) != 0) continue;
        struct debug_parameter parameters[parameter_limit];
        struct debug_function function;
        read_function(&unit, &die, &function, parameters);
        found(context, index, &function);
      }
    }
  }
  dw.dwarf_end(debug);
  return 0;
}

// MARK: Lines

int debug_line(int file, uint64_t address, char *source, size_t room) {
  if (!is_loaded()) return -1;
  Dwarf *debug = dw.dwarf_begin(file, DWARF_C_READ);
  if (!debug) return -2;
  Dwarf_Off offset = 0, next = 0;
  size_t header = 0;
  int number = 0;
  while (number == 0 && dw.dwarf_nextcu(debug, offset, &next, &header, NULL, NULL, NULL) == 0) {
    Dwarf_Die unit;
    const Dwarf_Off start = offset + header;
    offset = next;
    if (!dw.dwarf_offdie(debug, start, &unit)) continue;
    Dwarf_Line *line = dw.dwarf_getsrc_die(&unit, address);
    const char *path = line ? dw.dwarf_linesrc(line, NULL, NULL) : NULL;
    int found = 0;
    if (!path || dw.dwarf_lineno(line, &found) != 0 || found <= 0) continue;
    snprintf(source, room, "%s", path);
    number = found;
  }
  dw.dwarf_end(debug);
  return number;
}
