#pragma once
// Described results as JSON and as XML. What is nothing, or empty, is left out, unless the description says `always`.
#include <string>

#include "base/json.h"
#include "sqs/message.h"
#include "sqs/wire/digest.h"
#include "sqs/wire/fields.h"

namespace naru::sqs {

void append_xml_text(std::string& out, std::string_view text);

/// {"name":value,...}
class JsonWriter {
 public:
  /// How maps are written: {"name":"value"}, or [{"Name":"name","Value":"value"}] as in the answers of the Query
  /// protocol.
  enum class Maps : uint8_t { as_objects, as_lists };
  explicit JsonWriter(std::string& out, Maps maps = Maps::as_objects) : out_(out), maps_(maps) {}

  template <class M>
  void write(const M& message) {
    out_ += '{';
    bool outer = std::exchange(first_, true);
    M::describe(*this, message);
    first_ = outer;
    out_ += '}';
  }

  template <class T>
  void operator()(std::string_view name, const T& field) {
    begin(name);
    value(field);
  }
  template <class T>
  void operator()(std::string_view name, const std::optional<T>& field) {
    if (field) (*this)(name, *field);
  }
  template <class T>
  void list(std::string_view name, std::string_view query_name, const std::vector<T>& items) {
    if (!items.empty()) always(name, query_name, items);
  }
  template <class T>
  void always(std::string_view name, std::string_view, const std::vector<T>& items) {
    begin(name);
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      if constexpr (requires { std::string_view(items[i]); })
        value(items[i]);
      else
        write(items[i]);
    }
    out_ += ']';
  }
  template <class Map>
  void map(std::string_view name, std::string_view, std::string_view key_name, const Map& members) {
    if (members.empty()) return;
    begin(name);
    if (maps_ == Maps::as_lists) {
      out_ += '[';
      for (const auto& [key, member] : members) {
        begin_item();
        (*this)(key_name, key);
        (*this)("Value", member);
        out_ += '}';
      }
      out_ += ']';
      return;
    }
    out_ += '{';
    bool outer = std::exchange(first_, true);
    for (const auto& [key, member] : members) (*this)(key, member);
    first_ = outer;
    out_ += '}';
  }
  void attributes(std::string_view name, std::string_view, const std::vector<AttributeView>& all);

 private:
  void begin(std::string_view name);
  /// An object in a list.
  void begin_item() {
    if (!out_.ends_with('[')) out_ += ',';
    out_ += '{';
    first_ = true;
  }
  void attribute_value(const AttributeView& attribute);
  void value(std::string_view field) { append_json_text(out_, field); }
  void value(const Md5& field) { append_json_text(out_, text(field)); }
  void value(int64_t field) { out_ += std::to_string(field); }
  void value(bool field) { out_ += field ? "true" : "false"; }

  std::string& out_;
  const Maps maps_;
  bool first_ = true;
};

/// <name>value</name>...
class XmlWriter {
 public:
  explicit XmlWriter(std::string& out) : out_(out) {}

  template <class M>
  void write(const M& message) {
    M::describe(*this, message);
  }
  template <class T>
  void operator()(std::string_view name, const T& field) {
    open(name);
    value(field);
    close(name);
  }
  template <class T>
  void operator()(std::string_view name, const std::optional<T>& field) {
    if (field) (*this)(name, *field);
  }
  template <class T>
  void list(std::string_view, std::string_view name, const std::vector<T>& items) {
    for (const T& item : items) {
      open(name);
      if constexpr (requires { std::string_view(item); })
        value(item);
      else
        write(item);
      close(name);
    }
  }
  template <class T>
  void always(std::string_view json_name, std::string_view name, const std::vector<T>& items) {
    list(json_name, name, items);
  }
  template <class Map>
  void map(std::string_view, std::string_view name, std::string_view key_name, const Map& members) {
    for (const auto& [key, member] : members) {
      open(name);
      (*this)(key_name, key);
      (*this)("Value", member);
      close(name);
    }
  }
  void attributes(std::string_view, std::string_view name, const std::vector<AttributeView>& all);

  void open(std::string_view name) { out_.append("<").append(name).append(">"); }
  void close(std::string_view name) { out_.append("</").append(name).append(">"); }

 private:
  void value(std::string_view field) { append_xml_text(out_, field); }
  void value(const Md5& field) { out_ += text(field); }
  void value(int64_t field) { out_ += std::to_string(field); }
  void value(bool field) { out_ += field ? "true" : "false"; }

  std::string& out_;
};

}  // namespace naru::sqs
