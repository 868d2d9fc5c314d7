// ApiVersions, v0-4. What naru speaks: the first thing that most clients ask.
// * v1 throttle time  * v3 flexible, client software, features  * v4 features from version 0 on may be shown
// Names of client software that are no names are INVALID_REQUEST, as in Kafka. No feature is finalized (transactions,
// group and share protocols of KIP-890, 848 and 932 are not here), and epoch 0 says that this is known, not unasked.
#include "kafka/messages/18_api_versions.h"

#include "kafka/api.h"

namespace naru::kafka {

namespace {

/// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool is_software_name(std::string_view text) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  auto inside = [&](char c) { return plain(c) || c == '-' || c == '.'; };
  return !text.empty() && plain(text.front()) && plain(text.back()) && std::ranges::all_of(text, inside);
}

ApiVersionsResponse::ApiVersion row(const Api& api) { return {api.key, api.served.first, api.served.last}; }

io::Task<ApiVersionsResponse> handle(Context& on, const ApiVersionsRequest& request) {
  ApiVersionsResponse response;
  bool names_software =
      is_software_name(request.client_software_name) && is_software_name(request.client_software_version);
  if (on.version() >= 3 && !names_software) {
    response.error_code = ErrorCode::invalid_request;
    co_return response;
  }
  for (const Api* api : advertised()) response.api_keys.push_back(row(*api));
  response.finalized_features_epoch = 0;
  co_return response;
}

}  // namespace

/// A version above ours is answered in the form of version 0, which every client can read (KIP-511), with what it may
/// ask instead.
Reply api_versions_unsupported(const RequestHeader& to) {
  ApiVersionsResponse response;
  response.error_code = ErrorCode::unsupported_version;
  response.api_keys.push_back(row(*find_api(api_versions_key)));
  RequestHeader oldest = to;
  oldest.version = 0;
  Reply reply;
  reply.frame = encode_response(oldest, response);
  return reply;
}

extern const Handler api_versions{18, handle_with<ApiVersionsRequest, ApiVersionsResponse, handle>};

}  // namespace naru::kafka
