#include "amqp/wire/walkers.h"

namespace naru::amqp {

void ArgumentReader::fail(const char* reason) {
  if (!ok_) return;
  ok_ = false;
  error_ = {Code::invalid, reason, at_ - begin_};
  at_ = end_;
}

FieldTableView ArgumentReader::table() {
  ByteView bytes = take(number<uint32_t>());
  if (bytes.empty()) return {};
  auto table = FieldTableView::parse(bytes);
  if (!table) return fail(table.error().reason), FieldTableView();
  return *table;
}

void ArgumentPrinter::begin(const char* name) {
  if (!text_.empty()) text_ += ", ";
  text_ += name;
  text_ += ": ";
}
void ArgumentPrinter::quote(std::string_view text) { text_ += to_text(FieldValue{FieldType::text, view(text)}); }

}  // namespace naru::amqp
