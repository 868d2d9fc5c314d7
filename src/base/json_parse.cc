// The only file that sees Boost.JSON: its parser fills our values.
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>

#include "base/json.h"

namespace naru {
namespace {

using boost::json::error_code;
using boost::json::string_view;

/// Builds the value from the parser's events: a stack of what is open.
struct Builder {
  static constexpr size_t max_object_size = SIZE_MAX, max_array_size = SIZE_MAX, max_key_size = SIZE_MAX,
                          max_string_size = SIZE_MAX;
  struct Open {
    Json value;
    std::string name;  // under which the next member goes in
  };
  std::vector<Open> open;
  Json done;
  std::string text;

  bool put(Json value) {
    if (open.empty()) {
      done = std::move(value);
    } else if (open.back().value.members()) {
      open.back().value.set(open.back().name, std::move(value));
    } else {
      open.back().value.push(std::move(value));
    }
    return true;
  }
  bool close() {
    Json value = std::move(open.back().value);
    open.pop_back();
    return put(std::move(value));
  }
  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open.push_back({Json::object(), {}}), true; }
  bool on_object_end(size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open.push_back({Json::array(), {}}), true; }
  bool on_array_end(size_t, error_code&) { return close(); }
  bool on_key_part(string_view part, size_t, error_code&) { return text.append(part.data(), part.size()), true; }
  bool on_key(string_view part, size_t, error_code&) {
    text.append(part.data(), part.size());
    open.back().name = std::exchange(text, {});
    return true;
  }
  bool on_string_part(string_view part, size_t, error_code&) { return text.append(part.data(), part.size()), true; }
  bool on_string(string_view part, size_t, error_code&) {
    text.append(part.data(), part.size());
    return put(std::exchange(text, {}));
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(int64_t value, string_view, error_code&) { return put(value); }
  bool on_uint64(uint64_t value, string_view, error_code&) { return put(static_cast<double>(value)); }
  bool on_double(double value, string_view, error_code&) { return put(value); }
  bool on_bool(bool value, error_code&) { return put(value); }
  bool on_null(error_code&) { return put(Json()); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 32;
  boost::json::basic_parser<Builder> parser(options);
  error_code error;
  size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = boost::json::error::extra_data;
  if (error == boost::json::error::too_deep) return fail(Code::invalid, "JSON: nested too deeply");
  if (error || !parser.done()) return fail(Code::invalid, "JSON: not well-formed", static_cast<int64_t>(used));
  return std::move(parser.handler().done);
}

}  // namespace naru
