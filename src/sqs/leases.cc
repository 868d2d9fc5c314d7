#include "sqs/leases.h"

#include <charconv>

namespace naru::sqs {

LeaseSettings lease_settings(const Tags& tags) {
  LeaseSettings settings;
  auto mode = tags.find("naru:lease");
  if (mode == tags.end()) return settings;
  if (mode->second == "connection") settings.mode = LeaseSettings::Mode::connection;
  if (mode->second == "strict") settings.mode = LeaseSettings::Mode::strict;
  auto max = tags.find("naru:lease-max");
  if (max == tags.end()) return settings;
  int64_t seconds = 0;
  const std::string& text = max->second;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  bool valid = error == std::errc() && end == text.data() + text.size() && seconds > 0;
  if (valid) settings.max_ms = std::min(settings.max_ms, std::min<int64_t>(seconds, 1'000'000) * 1000);
  return settings;
}

void Leases::set(const LeaseSettings& settings) {
  settings_ = settings;
  if (settings.mode == LeaseSettings::Mode::off) clear();
}

void Leases::clear() {
  while (!leases_.empty()) forget(leases_.begin());
}

void Leases::forget(std::unordered_map<uint64_t, Lease>::iterator at) {
  --at->second.holder->leases;
  leases_.erase(at);
}

void Leases::add(const MessageId& id, Lease lease) {
  remove(id);
  ++lease.holder->leases;
  leases_.emplace(key_of(id), std::move(lease));
}

void Leases::change(const MessageId& id, int64_t lease_ms) {
  auto found = leases_.find(key_of(id));
  if (found == leases_.end()) return;
  if (lease_ms <= 0) return forget(found);
  found->second.lease_ms = lease_ms;
}

void Leases::remove(const MessageId& id) {
  auto found = leases_.find(key_of(id));
  if (found != leases_.end()) forget(found);
}

int64_t Leases::longer(const MessageId& id, io::Millis now, int64_t wall_ms) {
  auto found = leases_.find(key_of(id));
  if (found == leases_.end()) return 0;
  const Lease& lease = found->second;
  const Holder& holder = *lease.holder;
  io::Millis sign = holder.client->seen_at;
  if (holder.is_direct) sign = std::max(sign, holder.is_open ? now : holder.closed_at);
  int64_t until = std::min(wall_ms - (now - sign) + lease.lease_ms, lease.received_ms + settings_.max_ms);
  if (until <= wall_ms) forget(found);
  return until;
}

std::vector<std::pair<MessageId, uint32_t>> Leases::end(const Holder& holder) {
  std::vector<std::pair<MessageId, uint32_t>> all;
  for (auto at = leases_.begin(); at != leases_.end();) {
    auto here = at++;
    if (here->second.holder.get() != &holder) continue;
    MessageId id{static_cast<uint8_t>(here->first & 0xff), Offset(static_cast<int64_t>(here->first >> 8))};
    all.emplace_back(id, here->second.attempt);
    forget(here);
  }
  return all;
}

}  // namespace naru::sqs
