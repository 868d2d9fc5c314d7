// InitProducerId, v0-4. An id that nobody has had before, for an idempotent producer.
// * v1 throttle time after the answer  * v2 flexible  * v3 id and epoch that the asker has (KIP-360)  * v4
// PRODUCER_FENCED An idempotent producer that sends its old id gets a new one, with epoch 0, as in Kafka: only
// transactional ids keep theirs. Id and epoch come together or not at all. Not here: transactions. A transactional id
// is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which clients report at once; the codes that mean "not yet"
// would make them ask for ever. v5 comes with them.
#include "kafka/messages/22_init_producer_id.h"

#include "kafka/api.h"
#include "kafka/topic_errors.h"

namespace naru::kafka {
namespace {

constexpr int32_t transaction_timeout_ms_max = 900'000;  // Kafka's transaction.max.timeout.ms

io::Task<InitProducerIdResponse> handle(Context& on, const InitProducerIdRequest& request) {
  InitProducerIdResponse response;
  response.producer_epoch = -1;
  bool half = (request.producer_id == -1) != (request.producer_epoch == -1);
  if (half || (request.transactional_id && request.transactional_id->empty())) {
    response.error_code = ErrorCode::invalid_request;
    co_return response;
  }
  if (request.transactional_id) {
    bool bad_timeout =
        request.transaction_timeout_ms <= 0 || request.transaction_timeout_ms > transaction_timeout_ms_max;
    response.error_code =
        bad_timeout ? ErrorCode::invalid_transaction_timeout : ErrorCode::transactional_id_authorization_failed;
    co_return response;
  }
  auto take = [](Core& first) { return first.broker.topics->producer_id(); };
  auto id = co_await naru::on(on.core, on.core.broker.first(), take);
  if (id) {
    response.producer_id = *id;
    response.producer_epoch = 0;
  } else {
    response.error_code = ErrorCode::coordinator_load_in_progress;  // a full disk, say: clients ask again
  }
  co_return response;
}

}  // namespace

extern const Handler init_producer_id{22, handle_with<InitProducerIdRequest, InitProducerIdResponse, handle>};

}  // namespace naru::kafka
