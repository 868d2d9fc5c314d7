#include "sqs/wire/writers.h"

#include "base/base64.h"

namespace naru::sqs {
namespace {

/// Copies what needs no escape in runs; `escape` says what stands for a character, or nothing.
template <class Escape>
void append_escaped(std::string& out, std::string_view text, Escape escape) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string_view instead = escape(text[i]);
    if (instead.empty()) continue;
    out.append(text, run, i - run).append(instead);
    run = i + 1;
  }
  out.append(text, run);
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  char unit[] = "\\u0000";
  auto escape = [&](char c) -> std::string_view {
    if (c == '"') return "\\\"";
    if (c == '\\') return "\\\\";
    if (static_cast<uint8_t>(c) >= 0x20) return {};
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    if (c == '\t') return "\\t";
    unit[4] = digits[c >> 4];
    unit[5] = digits[c & 15];
    return unit;
  };
  out += '"';
  append_escaped(out, text, escape);
  out += '"';
}

void append_xml_text(std::string& out, std::string_view text) {
  auto escape = [](char c) -> std::string_view {
    switch (c) {
      case '&': return "&amp;";
      case '<': return "&lt;";
      case '>': return "&gt;";
      case '"': return "&quot;";
      case '\r': return "&#xD;";  // a parser would make it a line feed
      default: return {};
    }
  };
  append_escaped(out, text, escape);
}

void JsonWriter::begin(std::string_view name) {
  if (!std::exchange(first_, false)) out_ += ',';
  append_json_text(out_, name);
  out_ += ':';
}

void JsonWriter::attribute_value(const AttributeView& attribute) {
  out_ += '{';
  first_ = true;
  (*this)("DataType", attribute.type);
  if (attribute.is_binary()) {
    begin("BinaryValue");
    out_ += '"';
    out_ += to_base64(attribute.value);
    out_ += '"';
  } else {
    (*this)("StringValue", attribute.value);
  }
  out_ += '}';
}

void JsonWriter::attributes(std::string_view name, std::string_view, const std::vector<AttributeView>& all) {
  if (all.empty()) return;
  begin(name);
  bool lists = maps_ == Maps::as_lists;
  out_ += lists ? '[' : '{';
  first_ = true;
  for (const AttributeView& one : all) {
    if (lists) {
      begin_item();
      (*this)("Name", one.name);
    }
    begin(lists ? "Value" : one.name);
    attribute_value(one);
    if (lists) out_ += '}';
  }
  out_ += lists ? ']' : '}';
}

void XmlWriter::attributes(std::string_view, std::string_view name, const std::vector<AttributeView>& all) {
  for (const AttributeView& one : all) {
    open(name);
    (*this)("Name", one.name);
    open("Value");
    (*this)("DataType", one.type);
    if (one.is_binary()) {
      open("BinaryValue");
      out_ += to_base64(one.value);
      close("BinaryValue");
    } else {
      (*this)("StringValue", one.value);
    }
    close("Value");
    close(name);
  }
}

}  // namespace naru::sqs
