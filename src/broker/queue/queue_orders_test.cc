// Every order of what can happen to a queue with one consumer, against a model.
#include "broker/queue/queue_orders_testing.h"

namespace naru::queue_orders {
namespace {

TEST(queue_orders, answers_deaths_and_kills) {
  try_every_order(with_dead_letters(), {Op::publish, Op::ack, Op::requeue, Op::reject, Op::die, Op::kill, Op::publish});
}

TEST(queue_orders, expiry_among_answers_and_restarts) {
  try_every_order(with_dead_letters(), {Op::publish_ttl, Op::ack, Op::requeue, Op::expire, Op::die, Op::restart});
}

TEST(queue_orders, gets_and_purges_beside_a_consumer) {
  Shape shape = with_dead_letters();
  shape.prefetch = 1;
  try_every_order(shape, {Op::publish, Op::get, Op::requeue, Op::purge, Op::ack, Op::restart, Op::kill});
}

TEST(queue_orders, expiry_beside_gets) {
  Shape shape = with_dead_letters();
  shape.prefetch = 1;
  try_every_order(shape, {Op::publish_ttl, Op::publish, Op::get, Op::expire, Op::die, Op::kill});
}

TEST(queue_orders, a_consumer_that_acknowledges_nothing) {
  Shape shape = with_dead_letters();
  shape.no_ack = true;
  try_every_order(shape, {Op::publish, Op::publish_ttl, Op::pause, Op::publish, Op::resume, Op::get, Op::kill});
}

TEST(queue_orders, expiry_beside_a_consumer_that_acknowledges_nothing) {
  Shape shape = with_dead_letters();
  shape.no_ack = true;
  try_every_order(shape, {Op::publish_ttl, Op::pause, Op::publish, Op::expire, Op::resume, Op::die, Op::restart});
}

TEST(queue_orders, a_limit_of_length) {
  Shape shape = with_dead_letters();
  shape.prefetch = 1;
  shape.settings.max_length = 1;
  try_every_order(shape, {Op::publish, Op::publish, Op::ack, Op::requeue, Op::die, Op::reject, Op::kill});
}

TEST(queue_orders, a_limit_of_deliveries) {
  Shape shape = with_dead_letters();
  shape.settings.delivery_limit = 1;
  try_every_order(shape, {Op::publish, Op::ack, Op::requeue, Op::die, Op::requeue, Op::reject});
}

}  // namespace
}  // namespace naru::queue_orders
