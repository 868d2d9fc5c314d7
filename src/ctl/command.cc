#include "ctl/command.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace naru::ctl {

std::string Call::option(std::string_view name, std::string otherwise) const {
  auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

void Call::banner(const std::string& text) const {
  if (!quiet && !silent && formatter == "table") line(text);
}

void Call::line(const std::string& text) const { std::printf("%s\n", text.c_str()); }

int Call::error(int code, const std::string& text) const {
  std::fprintf(stderr, "Error:\n%s\n", text.c_str());
  return code;
}

std::optional<Response> Call::ask(std::string_view method, const std::string& path, const Json& body,
                                  std::string_view reason) {
  auto response = request(target, method, path, body, reason);
  if (!response) {
    exit_code = error(unavailable, "unable to talk to naru's admin port " + target.admin.text() + ": " +
                                       response.error().reason + ". Does it run? --admin HOST:PORT says where.");
    return std::nullopt;
  }
  if (!response->ok()) {
    exit_code = refused(*response);
    return std::nullopt;
  }
  return std::move(*response);
}

std::optional<Json> Call::ask_list(const std::string& path) {
  auto response = ask("GET", path);
  if (!response) return std::nullopt;
  if (response->body.items()) return std::move(response->body);
  exit_code = no_naru();
  return std::nullopt;
}

int Call::no_naru() const { return error(unavailable, "what answers on " + target.admin.text() + " is no naru"); }

int Call::refused(const Response& response) const {
  if (response.status == 401)
    return error(not_permitted, "the broker refuses user \"" + target.user + "\": " + response.reason() +
                                    ". --login and --password say who asks.");
  return error(unavailable, response.reason());
}

int Call::change(std::string_view method, const std::string& path, const Json& body, std::string_view reason) {
  return ask(method, path, body, reason) ? ok : exit_code;
}

std::optional<int64_t> number_of(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = error == std::errc() && end == text.data() + text.size() && number >= 0;
  return whole ? std::optional(number) : std::nullopt;
}

namespace {

const Json* at(const Json& item, std::string_view path) {
  const Json* value = &item;
  while (value && !path.empty()) {
    size_t dot = path.find('.');
    value = value->find(path.substr(0, dot));
    path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
  }
  return value;
}

/// As rabbitmqctl's tables show a value: texts as they are, lists in brackets, tables as Erlang writes them.
std::string shown(const Json* value, bool nested = false) {
  if (!value || value->is_null()) return "";
  if (auto text = value->text()) return nested ? '"' + std::string(*text) + '"' : std::string(*text);
  if (auto* items = value->items()) {
    std::string out = "[";
    for (const Json& item : *items) {
      if (out.size() > 1) out += ", ";
      out += shown(&item);
    }
    return out + "]";
  }
  if (auto* members = value->members()) {
    std::string out = "[";
    for (const auto& [name, member] : *members) {
      if (out.size() > 1) out += ",";
      out += "{\"" + name + "\"," + shown(&member, true) + "}";
    }
    return out + "]";
  }
  return to_text(*value);
}

std::string quoted_for_csv(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

int print_list(const Call& call, const Json& items, std::span<const Column> columns) {
  auto path = [](const Column& column) { return column.path.empty() ? column.name : column.path; };
  if (call.formatter == "json") {
    Json out = Json::array();
    for (const Json& item : *items.items()) {
      Json row = Json::object();
      for (const Column& column : columns) {
        const Json* value = at(item, path(column));
        row.set(column.name, value ? *value : Json());
      }
      out.push(std::move(row));
    }
    call.line(to_text(out));
    return ok;
  }
  bool csv = call.formatter == "csv";
  auto print = [&](auto cell) {
    std::string row;
    for (const Column& column : columns) {
      if (&column != columns.data()) row += csv ? ',' : '\t';
      row += csv ? quoted_for_csv(cell(column)) : cell(column);
    }
    call.line(row);
  };
  if (!call.silent && !call.no_headers && !items.items()->empty())
    print([](const Column& column) { return std::string(column.name); });
  for (const Json& item : *items.items()) print([&](const Column& column) { return shown(at(item, path(column))); });
  return ok;
}

std::expected<std::vector<Column>, std::string> chosen_columns(const Call& call, std::span<const Column> known,
                                                               std::span<const Column> defaults) {
  std::vector<Column> columns;
  std::string unknown;
  for (std::string_view words : call.words) {
    while (!words.empty()) {  // "name messages" as one word is two
      size_t end = words.find_first_of(" ,");
      std::string_view word = words.substr(0, end);
      words = end == words.npos ? std::string_view() : words.substr(end + 1);
      auto found = std::ranges::find(known, word, &Column::name);
      if (found != known.end()) {
        columns.push_back(*found);
      } else if (!word.empty()) {
        unknown += (unknown.empty() ? "" : ", ") + std::string(word);
      }
    }
  }
  if (!unknown.empty()) return std::unexpected("Info key(s) " + unknown + " are not supported");
  if (columns.empty()) columns.assign(defaults.begin(), defaults.end());
  return columns;
}

}  // namespace naru::ctl
