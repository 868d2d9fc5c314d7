#include "amqp/stream_arguments.h"

#include "broker/policies/age.h"

namespace naru::amqp {

std::expected<ReadStart, std::string> parse_stream_offset(const FieldValue& value, int64_t now_ms) {
  using Kind = ReadStart::Kind;
  if (auto offset = value.integer()) return ReadStart{Kind::offset, *offset};
  if (auto time = value.timestamp())
    return ReadStart{Kind::time, static_cast<int64_t>(std::min<uint64_t>(time->seconds, INT64_MAX / 1000)) * 1000};
  auto text = value.text();
  if (!text) return std::unexpected(std::string("{unacceptable_type,") + name(value.type) + "}");
  if (*text == "first") return ReadStart{Kind::first};
  if (*text == "last") return ReadStart{Kind::last};
  if (*text == "next") return ReadStart{Kind::next};
  if (auto age = parse_age(*text)) return ReadStart{Kind::time, now_ms - *age};
  return std::unexpected(std::string("invalid_offset"));
}

std::expected<StreamFilter, std::string> StreamFilter::parse(FieldTableView arguments, std::string_view queue) {
  StreamFilter filter;
  auto wrong = [queue](const char* argument, const FieldValue& value) {
    return std::unexpected(std::string("invalid arg '") + argument + "' for " + std::string(queue) +
                           ": {unacceptable_type," + name(value.type) + "}");
  };
  if (auto wanted = arguments.find("x-stream-filter")) {
    if (auto one = wanted->text()) {
      filter.values_.emplace_back(*one);
    } else if (auto several = wanted->array()) {
      for (const FieldValue& value : *several) {
        if (!value.text()) return wrong("x-stream-filter", value);
        filter.values_.emplace_back(*value.text());
      }
    } else {
      return wrong("x-stream-filter", *wanted);
    }
  }
  if (auto unfiltered = arguments.find("x-stream-match-unfiltered")) {
    if (!unfiltered->boolean()) return wrong("x-stream-match-unfiltered", *unfiltered);
    filter.match_unfiltered_ = *unfiltered->boolean();
  }
  return filter;
}

bool StreamFilter::matches(const StoredRecord& record) const {
  if (values_.empty()) return true;
  auto value = record.headers.find("x-stream-filter-value");
  if (!value) return match_unfiltered_;
  return std::ranges::find(values_, text(*value)) != values_.end();
}

}  // namespace naru::amqp
