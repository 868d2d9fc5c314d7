#include "sqs/engine.h"

#include "sqs/live_queue.h"
#include "sqs/move_tasks.h"

namespace naru::sqs {
namespace {

constexpr std::string_view row_prefix = "sqs/queue/", key_row = "sqs/key";

std::string key_of(std::string_view name) { return std::string(row_prefix).append(name); }

/// Names that SQS can say.
bool is_sayable(std::string_view name) {
  constexpr size_t name_bytes_max = 80;
  if (name.empty() || name.size() > name_bytes_max) return false;
  if (name.ends_with(".fifo")) name.remove_suffix(5);
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

/// Queues that SQS has, whoever declared them.
bool is_shown(const QueueDefinition& queue) {
  return queue.durable && queue.owner == 0 && !queue.settings.is_stream && !queue.settings.topic &&
         !queue.settings.to_topic;
}

}  // namespace

Engine::Engine(Core& core, QueueHost& host, VirtualHosts& hosts, MetaStore& meta, SipKey secret)
    : core_(core),
      host_(host),
      hosts_(hosts),
      meta_(meta),
      secret_(secret),
      moves_(std::make_unique<MoveTasks>(*this)) {
  meta_.watch(queue_row("/", ""), [this](const MetaWrite& write, Revision) { queue_written(write); });
}

Engine::~Engine() { host_.forget(*this); }

// --- a start ---

io::Task<Result<void>> Engine::load() {
  CO_TRY_VOID(co_await load_key());
  CO_TRY(auto rows, co_await meta_.range(std::string(row_prefix)));
  for (const MetaRow& one : rows) {
    CO_TRY(auto row, decode_row(one.value));
    rows_.emplace(one.key.substr(row_prefix.size()), std::move(row));
  }
  co_return Result<void>();
}

/// Receipts are good after a restart, too.
io::Task<Result<void>> Engine::load_key() {
  CO_TRY(auto rows, co_await meta_.range(std::string(key_row)));
  if (rows.empty()) {
    std::string bytes(16, '\0');
    store_le(bytes.data(), secret_.a);
    store_le(bytes.data() + 8, secret_.b);
    std::vector<MetaWrite> writes{{std::string(key_row), bytes}};
    auto committing = meta_.commit({}, std::move(writes));
    CO_TRY_VOID(co_await committing);
    key_ = secret_;
    co_return Result<void>();
  }
  const std::string& stored = rows[0].value;
  if (stored.size() != 16) co_return naru::fail(Code::corrupt, "the key of SQS's receipts");
  key_ = {load_le<uint64_t>(stored.data()), load_le<uint64_t>(stored.data() + 8)};
  co_return Result<void>();
}

void Engine::derive(QueueDefinition& queue, std::string_view vhost) const {
  if (vhost != "/" || !is_shown(queue)) return;
  auto found = rows_.find(queue.name);
  if (found == rows_.end()) return;
  const QueueRow& row = found->second;
  bool is_about_it = row.stream.value == 0 || (!queue.levels.empty() && queue.levels[0].stream == row.stream);
  if (!is_about_it) return;
  QueueSettings& settings = queue.settings;
  if (row.has_attributes) settings.lifetime_ms = row.attributes.retention * 1000L;
  settings.grouped = row.attributes.is_fifo;
  // What was sent is found again in the log after a crash.
  if (row.attributes.is_fifo) settings.retain_ms = std::max(settings.retain_ms.value_or(0), deduplication_ms);
}

io::Task<Result<void>> Engine::start() {
  std::vector<std::string> names;
  for (const auto& [name, row] : rows_) names.push_back(name);
  for (const std::string& name : names) {
    QueueRow& row = rows_.find(name)->second;
    DeclaredQueue* queue = declared(name);
    StreamId stream = queue ? queue->definition.levels[0].stream : StreamId();
    if (!queue || (row.stream.value != 0 && row.stream != stream)) {  // the queue went, and a crash kept the row
      rows_.erase(name);
      co_await commit_row(name, nullptr);
      continue;
    }
    if (row.stream.value == 0) {  // a crash came between the two steps of make
      row.stream = stream;
      co_await commit_row(name, &row);
    }
    if (!row.attributes.is_fifo) continue;
    auto remembering = live(name)->remember();
    CO_TRY_VOID(co_await remembering);
  }
  co_return co_await moves_->start();
}

// --- names ---

DeclaredQueue* Engine::declared(std::string_view name) {
  VirtualHost* host = home();
  DeclaredQueue* queue = host ? host->find_queue(name) : nullptr;
  return queue && is_shown(queue->definition) ? queue : nullptr;
}

LiveQueue* Engine::live(std::string_view name) {
  auto found = live_.find(name);
  if (found != live_.end() && !found->second->is_gone()) return found->second.get();
  DeclaredQueue* queue = declared(name);
  if (!queue) return nullptr;
  auto row = rows_.find(name);
  QueueRow its_row{.created_s = now_s(), .modified_s = now_s()};
  if (row != rows_.end()) its_row = row->second;
  auto made = std::make_shared<LiveQueue>(*this, queue->queue, std::move(its_row));
  return live_.insert_or_assign(std::string(name), std::move(made)).first->second.get();
}

QueuePtr Engine::find(std::string_view name) {
  LiveQueue* queue = live(name);
  return queue ? queue->shared_from_this() : nullptr;
}

std::vector<std::string> Engine::list(std::string_view prefix, std::string_view after, size_t max) {
  std::vector<std::string> names;
  VirtualHost* host = home();
  if (!host) return names;
  const auto& all = host->queues();
  for (auto at = all.lower_bound(std::max(prefix, after)); at != all.end() && names.size() < max; ++at) {
    if (at->first == after && !after.empty()) continue;
    if (!at->first.starts_with(prefix)) break;
    if (is_shown(at->second.definition) && is_sayable(at->first)) names.push_back(at->first);
  }
  return names;
}

std::vector<std::string> Engine::dead_letter_sources(std::string_view name, std::string_view after, size_t max) {
  std::vector<std::string> names;
  for (auto at = rows_.upper_bound(after); at != rows_.end() && names.size() < max; ++at)
    if (at->second.attributes.redrive && at->second.attributes.redrive->target == name && declared(at->first))
      names.push_back(at->first);
  return names;
}

// --- making and removing ---

io::Task<Outcome<Queues::Created>> Engine::create(std::string name, Attributes attributes, Tags tags) {
  VirtualHost* host = home();
  do {
    co_await creating_.ended(name);  // by somebody else
    if (host) co_await hosts_.queue_left(*host, name);
  } while (creating_.has(name));
  if (QueuePtr there = find(name)) co_return Created{std::move(there), false};
  if (is_unavailable()) co_return fail(Problem::unavailable);
  if (!host || host->find_queue(name)) co_return fail(Problem::name_taken);
  creating_.begin(name);
  QueueRow row{.created_s = now_s(), .modified_s = now_s()};
  row.attributes = std::move(attributes);
  row.has_attributes = true;
  row.tags = std::move(tags);
  auto making = make(name, std::move(row));
  auto made = co_await making;
  creating_.end(name);
  co_return made;
}

/// The row first, without knowing the queue, so that there never is a queue that is not what was asked for.
io::Task<Outcome<Queues::Created>> Engine::make(std::string name, QueueRow row) {
  bool stored = co_await commit_row(name, &row);
  if (!stored) co_return fail(Problem::unavailable);
  rows_.insert_or_assign(name, row);
  VirtualHost* host = home();
  QueueDefinition wanted{.name = name, .durable = true};
  auto declaring = hosts_.declare_queue(*host, std::move(wanted));
  auto queue = co_await declaring;
  if (!queue || !is_shown((*queue)->definition)) {
    rows_.erase(name);
    co_await commit_row(name, nullptr);
    bool is_full = !queue && (queue.error().code == Code::full || queue.error().code == Code::closed);
    co_return fail(is_full ? Problem::unavailable : Problem::name_taken);
  }
  row.stream = (*queue)->definition.levels[0].stream;
  rows_.insert_or_assign(name, row);
  bool stored_again = co_await commit_row(name, &row);
  QueuePtr made = find(name);
  if (!stored_again || !made) co_return fail(Problem::unavailable);
  co_return Created{std::move(made), true};
}

io::Task<Outcome<void>> Engine::remove(std::string name) {
  if (!declared(name)) co_return fail(Problem::no_such_queue);
  auto removing = hosts_.delete_queue(*home(), name);
  auto removed = co_await removing;
  if (!removed) co_return fail(Problem::unavailable);
  co_return Outcome<void>();
}

/// A queue that goes takes its row with it, whoever deletes it.
void Engine::queue_written(const MetaWrite& write) {
  if (write.value) return;
  std::string name = write.key.substr(queue_row("/", "").size());
  live_.erase(name);
  if (rows_.erase(name) > 0)
    [](Engine& engine, std::string gone)
        -> io::Task<> { co_await engine.commit_row(std::move(gone), nullptr); }(*this, std::move(name)).detach();
}

io::Task<bool> Engine::commit_row(std::string name, const QueueRow* row) {
  std::vector<MetaWrite> writes{{key_of(name), row ? std::optional(encode(*row)) : std::nullopt}};
  auto committing = meta_.commit({}, std::move(writes));
  auto committed = co_await committing;
  co_return committed.has_value();
}

io::Task<Outcome<void>> Engine::change_row(LiveQueue& queue, std::function<void(QueueRow&)> edit) {
  if (queue.is_gone()) co_return fail(Problem::no_such_queue);
  if (is_unavailable()) co_return fail(Problem::unavailable);
  // Memory at once, so that nobody's change is lost who comes before this one is durable.
  QueueRow row = queue.row();
  row.stream = StreamId(queue.queue().id());
  edit(row);
  std::string name = queue.name();
  rows_.insert_or_assign(name, row);
  queue.set_row(row);
  hosts_.derive_again(*home(), name);
  bool stored = co_await commit_row(name, &row);
  if (!stored) co_return fail(Problem::unavailable);
  co_return Outcome<void>();
}

// --- what is durable ---

bool Engine::is_unavailable() const { return core_.stopping || host_.is_blocked(); }

io::Task<bool> Engine::durable() {
  io::Once<JournalPosition> appended;
  if (durable_waiters_.empty()) host_.call_when_appended(*this);
  durable_waiters_.push_back(&appended);
  JournalPosition position = co_await appended;
  auto durable = co_await core_.store.durable(position);
  co_return durable.has_value();
}

void Engine::on_appended(JournalPosition position) {
  for (auto* waiter : std::exchange(durable_waiters_, {})) waiter->set(position);
}

// --- who is there ---

HolderPtr Engine::connected(std::string identity, bool is_direct) {
  if (clients_.size() >= clients_swept_at_) {
    std::erase_if(clients_, [](const auto& one) { return one.second.expired(); });
    clients_swept_at_ = std::max<size_t>(64, 2 * clients_.size());
  }
  auto& known = clients_[std::move(identity)];
  auto client = known.lock();
  if (!client) known = client = std::make_shared<Client>();
  client->seen_at = core_.loop.now();
  auto holder = std::make_shared<Holder>();
  holder->client = std::move(client);
  holder->is_direct = is_direct;
  return holder;
}

void Engine::disconnected(Holder& holder) {
  holder.is_open = false;
  holder.closed_at = core_.loop.now();
  if (holder.leases == 0 || !holder.is_direct) return;
  for (auto& [name, queue] : live_) queue->holder_gone(holder);
}

// --- move tasks ---

io::Task<Outcome<std::string>> Engine::start_move(std::string source, std::optional<std::string> destination,
                                                  std::optional<int32_t> per_second_max) {
  return moves_->begin(std::move(source), std::move(destination), per_second_max);
}

std::vector<MoveTask> Engine::moves(std::string_view source, size_t max) { return moves_->list(source, max); }

io::Task<Outcome<int64_t>> Engine::cancel_move(std::string id) { return moves_->cancel(std::move(id)); }

}  // namespace naru::sqs
