#include "management/listing.h"

#include <algorithm>
#include <charconv>

#include "broker/users/pattern.h"

namespace naru::management {
namespace {

using Query = std::map<std::string, std::string, std::less<>>;

std::string_view value_of(const Query& query, std::string_view name) {
  auto found = query.find(name);
  return found == query.end() ? std::string_view() : std::string_view(found->second);
}

/// The value at "a.b.c".
const Json* at(const Json& object, std::string_view path) {
  const Json* value = &object;
  while (value && !path.empty()) {
    size_t dot = path.find('.');
    value = value->find(path.substr(0, dot));
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  }
  return value;
}

/// Only the members that are wanted: a whole one, or what is nested in it.
Json only(const Json& object, std::string_view columns) {
  Json out = Json::object();
  while (!columns.empty()) {
    size_t comma = columns.find(',');
    std::string_view path = columns.substr(0, comma);
    columns = comma == columns.npos ? std::string_view() : columns.substr(comma + 1);
    const Json* value = at(object, path);
    if (!value) continue;
    Json* into = &out;
    for (size_t dot; (dot = path.find('.')) != path.npos; path.remove_prefix(dot + 1)) {
      std::string_view name = path.substr(0, dot);
      if (!into->find(name)) into->set(name, Json::object());
      for (auto& [key, nested] : *into->members())
        if (key == name) into = &nested;
    }
    into->set(path, *value);
  }
  return out;
}

bool less(const Json* a, const Json* b) {
  if (!a || !b) return !a && b;
  if (a->number() && b->number()) return *a->number() < *b->number();
  if (a->text() && b->text()) return *a->text() < *b->text();
  return to_text(*a) < to_text(*b);
}

using Problem = std::optional<ListingProblem>;
ListingProblem bad(std::string reason) { return {"bad_request", std::move(reason)}; }
ListingProblem invalid_pages() { return bad("Pagination parameters are invalid"); }

bool same_letters(char a, char b) {
  return std::tolower(static_cast<uint8_t>(a)) == std::tolower(static_cast<uint8_t>(b));
}

Problem keep_named(Json::Array& items, const Query& query) {
  std::string_view name = value_of(query, "name");
  if (name.empty()) return std::nullopt;
  auto drop_unless = [&](auto fits) {
    std::erase_if(items, [&](const Json& one) { return !fits(one.text_of("name")); });
  };
  if (value_of(query, "use_regex") == "true") {
    auto pattern = Pattern::compile("(?i)" + std::string(name));
    if (!pattern) return bad("name: " + pattern.error());
    // All names together may take what showing them takes; a pattern that needs more for one is no search.
    constexpr size_t steps_max = 10'000'000, steps_of_name_min = 2'000, steps_of_name_max = 100'000;
    size_t steps = std::clamp(steps_max / (items.size() + 1), steps_of_name_min, steps_of_name_max);
    bool took_too_long = false;
    drop_unless([&](std::string_view one) {
      if (took_too_long) return false;
      auto matches = pattern->matches_within(one, static_cast<uint32_t>(steps));
      took_too_long = !matches;
      return matches.value_or(false);
    });
    if (took_too_long) return bad("the regular expression takes too long");
  } else {
    drop_unless([&](std::string_view one) { return !std::ranges::search(one, name, same_letters).empty(); });
  }
  return std::nullopt;
}

/// Nothing if it is no number; `otherwise` if there is none.
std::optional<int64_t> number_of(const Query& query, std::string_view name, int64_t otherwise) {
  if (!query.contains(name)) return otherwise;
  std::string_view text = value_of(query, name);
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct PageAsked {
  size_t page, size;
};

std::expected<PageAsked, ListingProblem> page_asked(const Query& query) {
  constexpr int64_t size_max = 500, page_max = INT32_MAX;
  auto page = number_of(query, "page", 1), size = number_of(query, "page_size", 100);
  if (!page || !size) return std::unexpected(invalid_pages());
  if (*page < 1 || *page > page_max || *size < 1 || *size > size_max)
    return std::unexpected(ListingProblem{"invalid_pagination_parameters",
                                          "Invalid pagination parameters: page number " + std::to_string(*page) +
                                              ", page size " + std::to_string(*size)});
  return PageAsked{static_cast<size_t>(*page), static_cast<size_t>(*size)};
}

Problem paginate(Json& body, size_t total, PageAsked asked) {
  auto [page, size] = asked;
  Json::Array items = std::move(*body.items());
  size_t count = items.size(), pages = (count + size - 1) / size;
  if (page > 1 && page > pages)
    return ListingProblem{"page_out_of_range", "Page out of range, page: " + std::to_string(page) + " page size: " +
                                                   std::to_string(size) + ", len: " + std::to_string(count)};
  size_t first = (page - 1) * size;
  Json chosen = Json::array();
  for (size_t i = first; i < std::min(count, first + size); ++i) chosen.push(std::move(items[i]));
  Json out;
  out.set("filtered_count", count)
      .set("item_count", chosen.items()->size())
      .set("page", page)
      .set("page_count", pages)
      .set("page_size", size)
      .set("total_count", total)
      .set("items", std::move(chosen));
  body = std::move(out);
  return std::nullopt;
}

}  // namespace

Problem shape(Json& body, const Query& query, Pages pages) {
  if (query.empty()) return std::nullopt;
  std::string_view columns = value_of(query, "columns"), sort = value_of(query, "sort");
  Json::Array* items = body.items();
  if (!items) {
    if (!columns.empty() && body.members()) body = only(body, columns);
    return std::nullopt;
  }
  size_t total = items->size();
  std::optional<PageAsked> asked;
  if (pages == Pages::some && query.contains("page")) {
    auto parsed = page_asked(query);
    if (!parsed) return parsed.error();
    asked = *parsed;
    if (auto problem = keep_named(*items, query)) return problem;
  }
  if (!sort.empty()) {
    bool reverse = value_of(query, "sort_reverse") == "true";
    std::vector<size_t> order(items->size());  // what is equal stays as it was
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](size_t a, size_t b) {
      const Json *first = at((*items)[reverse ? b : a], sort), *second = at((*items)[reverse ? a : b], sort);
      return less(first, second) || (!less(second, first) && a < b);
    });
    Json::Array sorted;
    for (size_t i : order) sorted.push_back(std::move((*items)[i]));
    *items = std::move(sorted);
  }
  if (!columns.empty())
    for (Json& item : *items) item = only(item, columns);
  return asked ? paginate(body, total, *asked) : std::nullopt;
}

}  // namespace naru::management
