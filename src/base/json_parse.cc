// The only file that sees Boost.JSON: its parser fills our values.
#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <charconv>
#include <cmath>

#include "base/json.h"

namespace naru {

/// Members are sorted for it: to compare each with each would make somebody else's large object a way to stop the
/// broker.
void keep_last_of_each(Json::Object& members) {
  std::vector<uint32_t> order(members.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](uint32_t i) { return std::pair<std::string_view, uint32_t>(members[i].first, i); });
  std::vector<uint32_t> repeated;
  for (size_t i = 1, first = 0; i < order.size(); ++i) {
    if (members[order[i]].first != members[order[first]].first) {
      first = i;
      continue;
    }
    members[order[first]].second = std::move(members[order[i]].second);
    repeated.push_back(order[i]);
  }
  if (repeated.empty()) return;
  std::ranges::sort(repeated);
  size_t at = 0, next = 0;
  std::erase_if(members, [&](const auto&) {
    bool gone = next < repeated.size() && repeated[next] == at++;
    next += gone;
    return gone;
  });
}

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
  size_t left = SIZE_MAX;  // so many values more

  bool put(Json value) {
    if (open.empty()) {
      done = std::move(value);
    } else if (auto* members = open.back().value.members()) {
      members->emplace_back(std::move(open.back().name), std::move(value));
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
  /// Each value counts, when it begins.
  bool count(error_code& error) {
    if (left-- > 0) return true;
    error = boost::json::error::array_too_large;
    return false;
  }
  bool on_object_begin(error_code& error) { return open.push_back({Json::object(), {}}), count(error); }
  bool on_object_end(size_t, error_code&) {
    keep_last_of_each(*open.back().value.members());
    return close();
  }
  bool on_array_begin(error_code& error) { return open.push_back({Json::array(), {}}), count(error); }
  bool on_array_end(size_t, error_code&) { return close(); }
  bool on_key_part(string_view part, size_t, error_code&) { return text.append(part.data(), part.size()), true; }
  bool on_key(string_view part, size_t, error_code&) {
    text.append(part.data(), part.size());
    open.back().name = std::exchange(text, {});
    return true;
  }
  bool on_string_part(string_view part, size_t, error_code&) { return text.append(part.data(), part.size()), true; }
  bool on_string(string_view part, size_t, error_code& error) {
    text.append(part.data(), part.size());
    return count(error) && put(std::exchange(text, {}));
  }
  bool on_number_part(string_view part, error_code&) { return text.append(part.data(), part.size()), true; }
  bool on_int64(int64_t value, string_view, error_code& error) { return text.clear(), count(error) && put(value); }
  bool on_uint64(uint64_t value, string_view, error_code& error) {
    return text.clear(), count(error) && put(static_cast<double>(value));
  }
  bool on_double(double value, string_view part, error_code& error) {
    // The parser's own value may be a little off; what is written must be read as the same.
    text.append(part.data(), part.size());
    double exact = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), exact).ec == std::errc()) value = exact;
    text.clear();
    if (!std::isfinite(value)) error = boost::json::error::exponent_overflow;  // a number that cannot be kept
    return !error && count(error) && put(value);
  }
  bool on_bool(bool value, error_code& error) { return count(error) && put(value); }
  bool on_null(error_code& error) { return count(error) && put(Json()); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

}  // namespace

Result<Json> parse_json(std::string_view text, size_t values_max) {
  boost::json::parse_options options;
  options.max_depth = 32;
  boost::json::basic_parser<Builder> parser(options);
  parser.handler().left = values_max;
  error_code error;
  size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = boost::json::error::extra_data;
  if (error == boost::json::error::too_deep) return fail(Code::invalid, "JSON: nested too deeply");
  if (error || !parser.done()) return fail(Code::invalid, "JSON: not well-formed", static_cast<int64_t>(used));
  return std::move(parser.handler().done);
}

}  // namespace naru
