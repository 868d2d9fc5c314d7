// Every order of what can happen to a queue that several consumers share, against a model.
#include "broker/queue/queue_orders_testing.h"

namespace naru::queue_orders {
namespace {

Shape shared(std::vector<int64_t> priorities, size_t prefetch) {
  Shape shape = with_dead_letters();
  shape.consumers = std::move(priorities);
  shape.prefetch = prefetch;
  return shape;
}

TEST(queue_sharing_orders, answers_and_deaths_of_two) {
  try_every_order(shared({0, 0}, 1),
                  {Op::publish, {Op::ack, 0}, {Op::ack, 1}, {Op::requeue, 0}, {Op::die, 1}, Op::publish});
}

TEST(queue_sharing_orders, consumers_that_come_and_go) {
  try_every_order(shared({0, 0, 0}, 1),
                  {Op::publish, {Op::leave, 0}, {Op::come, 0}, {Op::ack, 1}, {Op::die, 2}, Op::kill});
}

TEST(queue_sharing_orders, one_that_does_not_read_holds_up_nobody) {
  try_every_order(shared({0, 0}, 2),
                  {{Op::pause, 0}, Op::publish, Op::publish, {Op::ack, 1}, {Op::resume, 0}, {Op::requeue, 0}});
}

TEST(queue_sharing_orders, priorities_of_consumers) {
  try_every_order(shared({0, 5}, 1),
                  {Op::publish, {Op::ack, 1}, {Op::pause, 1}, {Op::resume, 1}, {Op::requeue, 0}, {Op::die, 1}});
}

TEST(queue_sharing_orders, priorities_of_messages) {
  Shape shape = shared({0, 0}, 1);
  shape.settings.max_priority = 1;
  shape.first = {Op::publish, Op::publish_urgent, Op::publish, Op::publish_urgent};
  try_every_order(shape, {Op::publish_urgent, {Op::ack, 0}, {Op::requeue, 1}, Op::get, {Op::die, 0}, Op::kill});
}

TEST(queue_sharing_orders, a_single_active_consumer) {
  Shape shape = shared({0, 1, 0}, 1);
  shape.settings.single_active_consumer = true;
  try_every_order(shape, {Op::publish, {Op::ack, 0}, {Op::leave, 0}, {Op::die, 1}, {Op::requeue, 1}, {Op::come, 0}});
}

TEST(queue_sharing_orders, one_of_a_key_at_a_time) {
  Shape shape = shared({0, 0}, 2);
  shape.settings.order_key = QueueSettings::Key{};
  shape.first = {Op::publish, Op::publish, Op::publish, Op::publish};
  try_every_order(shape, {Op::publish, {Op::ack, 0}, {Op::ack, 1}, {Op::requeue, 0}, {Op::die, 1}, Op::kill});
}

TEST(queue_sharing_orders, one_of_a_key_at_a_time_beside_gets_and_restarts) {
  Shape shape = shared({0, 0}, 2);
  shape.settings.order_key = QueueSettings::Key{};
  shape.first = {Op::publish, Op::publish, Op::publish, Op::publish};
  try_every_order(shape, {Op::get, {Op::reject, 0}, {Op::requeue, 1}, Op::purge, Op::publish, Op::restart});
}

TEST(queue_sharing_orders, a_limit_of_deliveries) {
  Shape shape = shared({0, 0}, 1);
  shape.settings.delivery_limit = 1;
  try_every_order(shape, {Op::publish, {Op::requeue, 0}, {Op::requeue, 1}, {Op::die, 0}, {Op::ack, 1}, Op::restart});
}

}  // namespace
}  // namespace naru::queue_orders
