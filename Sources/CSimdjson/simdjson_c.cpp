#include "simdjson_c.h"

#include <memory>
#include <simdjson.h>
#include <vector>

namespace {

// Above these a parser gives its memory back after use: one huge document must not cost every
// thread that size for good.
constexpr size_t kept_bytes = 1 << 20;
constexpr size_t kept_nodes = 1 << 16;

struct thread_parser {
  simdjson::dom::parser parser;
  std::vector<sj_node> nodes;
};

thread_local std::unique_ptr<thread_parser> shared;

void append(const simdjson::dom::element &element, std::vector<sj_node> &nodes) {
  using type = simdjson::dom::element_type;
  sj_node node = {};
  switch (element.type()) {
  case type::NULL_VALUE:
    node.kind = SJ_NULL;
    break;
  case type::BOOL:
    node.kind = element.get_bool().value_unsafe() ? SJ_TRUE : SJ_FALSE;
    break;
  case type::INT64:
    node.kind = SJ_INT64;
    node.value.int64 = element.get_int64().value_unsafe();
    break;
  case type::UINT64:
    node.kind = SJ_UINT64;
    node.value.uint64 = element.get_uint64().value_unsafe();
    break;
  case type::DOUBLE:
    node.kind = SJ_DOUBLE;
    node.value.float64 = element.get_double().value_unsafe();
    break;
  case type::STRING: {
    std::string_view text = element.get_string().value_unsafe();
    node.kind = SJ_STRING;
    node.count = static_cast<uint32_t>(text.size());
    node.value.string = text.data();
    break;
  }
  case type::ARRAY: {
    size_t at = nodes.size();
    node.kind = SJ_ARRAY;
    nodes.push_back(node);
    uint32_t count = 0;
    // By value: a range over the temporary result would outlive it.
    simdjson::dom::array children = element.get_array().value_unsafe();
    for (auto child : children) {
      append(child, nodes);
      count++;
    }
    nodes[at].count = count;
    return;
  }
  case type::OBJECT: {
    size_t at = nodes.size();
    node.kind = SJ_OBJECT;
    nodes.push_back(node);
    uint32_t count = 0;
    simdjson::dom::object fields = element.get_object().value_unsafe();
    for (auto field : fields) {
      sj_node key = {};
      key.kind = SJ_STRING;
      key.count = static_cast<uint32_t>(field.key.size());
      key.value.string = field.key.data();
      nodes.push_back(key);
      append(field.value, nodes);
      count++;
    }
    nodes[at].count = count;
    return;
  }
  }
  nodes.push_back(node);
}

} // namespace

extern "C" sj_result sj_parse(const uint8_t *bytes, size_t length, size_t max_depth,
                              const sj_node **nodes, size_t *count, const char **message) {
  try {
    if (!shared || shared->parser.capacity() > kept_bytes || shared->nodes.capacity() > kept_nodes)
      shared = std::make_unique<thread_parser>();
    auto &parser = shared->parser;
    auto needed = length < 1024 ? 1024 : length;
    if (parser.capacity() < needed || parser.max_depth() != max_depth) {
      if (auto error = parser.allocate(needed, max_depth)) {
        *message = simdjson::error_message(error);
        return SJ_NO_MEMORY;
      }
    }
    simdjson::dom::element root;
    // The copy with padding is simdjson's own: our buffers end where their bytes end.
    if (auto error = parser.parse(bytes, length, true).get(root)) {
      *message = simdjson::error_message(error);
      switch (error) {
      case simdjson::DEPTH_ERROR: return SJ_TOO_DEEP;
      case simdjson::NUMBER_ERROR: return SJ_NUMBER_OUT_OF_RANGE;
      case simdjson::MEMALLOC: return SJ_NO_MEMORY;
      default: return SJ_MALFORMED;
      }
    }
    shared->nodes.clear();
    append(root, shared->nodes);
    *nodes = shared->nodes.data();
    *count = shared->nodes.size();
    return SJ_OK;
  } catch (const std::bad_alloc &) {
    *message = "out of memory";
    return SJ_NO_MEMORY;
  }
}
