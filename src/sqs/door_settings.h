#pragma once
#include "sqs/wire/names.h"

namespace naru::sqs {

/// Who has to sign requests.
enum class Signing : uint8_t {
  automatic,  // everybody, but who comes from this machine while no user has an access secret
  required,
  off,
};

struct DoorSettings {
  Place place{};
  Signing signing = Signing::automatic;
};

}  // namespace naru::sqs
