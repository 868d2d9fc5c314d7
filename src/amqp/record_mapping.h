#pragma once
// A message of AMQP 0-9-1 as a Kafka record and back; docs/mapping.md is the specification. Whatever a publisher sent
// comes back bit by bit; whatever a Kafka producer wrote has a sensible form as a message. Pure.
#include "amqp/wire/properties.h"
#include "log/batch_builder.h"
#include "log/record.h"

namespace naru::amqp {

/// A message as it goes into a log and comes out. Borrows.
struct MappedMessage {
  std::string_view exchange{}, routing_key{};
  Properties properties{};
  ByteView body{};
  std::span<const std::string_view> blind_keys{};  // on the way in; see blind_keys_of
};

/// Makes records of messages. Keeps its buffers, so that one made after another allocates nothing.
class RecordMaker {
 public:
  /// `home` is the name of the queue whose log the record goes to: a message that was sent to it by the default
  /// exchange need not say so. Empty if the log is not a queue's own. The record borrows from the message and from
  /// this, until the next call. `arrival_ms`: since 1970.
  NewRecord make(const MappedMessage& message, std::string_view home, int64_t arrival_ms);

 private:
  struct Made {
    size_t header;
    bool is_name;
    size_t begin, size;  // in texts_
  };
  void put_route(const MappedMessage& message, std::string_view home, NewRecord& record);
  void put_properties(const Properties& properties);
  void put_table(FieldTableView table);
  void put_types(FieldTableView table);
  void put_field(const Field& field);
  void put(std::string_view name, ByteView value) { headers_.push_back({name, value}); }
  /// A header whose value is what was appended to texts_ from `begin` on.
  void put_made(std::string_view name, size_t begin);
  template <class Number>
  void put_number(std::string_view name, Number number);

  std::vector<Header> headers_;
  Bytes texts_;  // names and values that are not in the message; headers_ gets them when nothing moves any more
  std::vector<Made> made_;
  std::string types_;
  Bytes exact_;
};

struct ReadOptions {
  std::string_view home{};
  /// For topics of Kafka's: a record that has no AMQP timestamp gets the time of the record.
  bool record_time = false;
  /// Headers that would make the table larger are left out: a header frame cannot be split.
  size_t table_bytes_max = SIZE_MAX;
};

/// The message that a record is. It borrows from the record and from `table`, which is overwritten and then holds the
/// headers table, if there is one. Never fails: what in a record has no AMQP form is left out or cut, as
/// docs/mapping.md says.
MappedMessage read_record(const Record& record, const ReadOptions& options, Bytes& table);
/// The routing keys that the message has got from its header BCC.
std::vector<std::string_view> blind_keys_of(const Record& record);

}  // namespace naru::amqp
