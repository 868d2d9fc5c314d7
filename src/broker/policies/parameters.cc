#include "broker/policies/parameters.h"

namespace naru {
namespace {

// Keys: the names with a NUL between them; values: JSON.
constexpr std::string_view rows = "parameter/", global_rows = "global-parameter/";

std::string row_key(const Parameters::Key& key) {
  return std::string(rows) + key.vhost + '\0' + key.component + '\0' + key.name;
}

Parameters::Key parse_key(std::string_view row) {
  row.remove_prefix(rows.size());
  Parameters::Key key;
  for (std::string* part : {&key.vhost, &key.component}) {
    size_t end = row.find('\0');
    *part = row.substr(0, end);
    row = end == row.npos ? std::string_view() : row.substr(end + 1);
  }
  key.name = row;
  return key;
}

}  // namespace

io::Task<Result<void>> Parameters::load() {
  CO_TRY(auto values, co_await meta_.range(std::string(rows)));
  for (const MetaRow& row : values) {
    CO_TRY(auto value, parse_json(row.value));
    values_.insert_or_assign(parse_key(row.key), std::move(value));
  }
  CO_TRY(auto globals, co_await meta_.range(std::string(global_rows)));
  for (const MetaRow& row : globals) {
    CO_TRY(auto value, parse_json(row.value));
    globals_.insert_or_assign(row.key.substr(global_rows.size()), std::move(value));
  }
  co_return Result<void>();
}

const Json* Parameters::find(const Key& key) const {
  auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<int64_t> Parameters::vhost_limit(std::string_view vhost, std::string_view what) const {
  if (values_.empty()) return std::nullopt;
  const Json* limits = find({std::string(vhost), vhost_limits, "limits"});
  const Json* limit = limits ? limits->find(what) : nullptr;
  auto value = limit ? limit->integer() : std::nullopt;
  return value && *value >= 0 ? value : std::nullopt;
}

io::Task<Result<void>> Parameters::set(Key key, Json value) {
  std::vector<MetaWrite> writes{{row_key(key), to_text(value)}};
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  values_.insert_or_assign(key, std::move(value));
  if (on_change) on_change(key);
  co_return Result<void>();
}

io::Task<Result<void>> Parameters::clear(Key key) {
  if (!find(key)) co_return fail(Code::not_found, "no such parameter");
  std::vector<MetaWrite> writes{{row_key(key), std::nullopt}};
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  values_.erase(key);
  if (on_change) on_change(key);
  co_return Result<void>();
}

io::Task<Result<void>> Parameters::set_global(std::string name, Json value) {
  std::vector<MetaWrite> writes{{std::string(global_rows) + name, to_text(value)}};
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  globals_.insert_or_assign(std::move(name), std::move(value));
  co_return Result<void>();
}

io::Task<Result<void>> Parameters::clear_global(std::string name) {
  if (!globals_.contains(name)) co_return fail(Code::not_found, "no such parameter");
  std::vector<MetaWrite> writes{{std::string(global_rows) + name, std::nullopt}};
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  globals_.erase(name);
  co_return Result<void>();
}

std::vector<MetaWrite> Parameters::rows_of_vhost(std::string_view vhost) const {
  std::vector<MetaWrite> writes;
  for (const auto& [key, value] : values_)
    if (key.vhost == vhost) writes.push_back({row_key(key), std::nullopt});
  return writes;
}

void Parameters::forget_vhost(std::string_view vhost) {
  std::erase_if(values_, [&](const auto& one) { return one.first.vhost == vhost; });
}

}  // namespace naru
