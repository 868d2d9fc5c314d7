#include "sqs/wire/writers.h"

#include "base/base64.h"

namespace naru::sqs {
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
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string_view instead = escape(text[i]);
    if (instead.empty()) continue;
    out.append(text, run, i - run).append(instead);
    run = i + 1;
  }
  out.append(text, run);
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
