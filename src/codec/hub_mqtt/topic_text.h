// Pieces that several topics share. Private to the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/identity.h"

namespace selvage::codec::hub_mqtt {

// If `text` starts with `prefix`: true, and `text` is what follows.
bool take_prefix(std::string_view& text, std::string_view prefix);

// %XX becomes its byte, '+' stays. A '%' that starts no escape stays too, and so does a text whose bytes would not be
// UTF-8: some SDKs do not encode at all (docs/wire/mqtt.md#bag).
std::string decode_leniently(std::string_view text);

// Percent-encodes only what a topic level cannot hold or what would end it: most SDKs take levels as they are.
std::string encode_level(std::string_view text);

// "devices/d" or "devices/d/modules/m", ids as they are: the service does not decode them.
std::string topic_base(const domain::Identity& identity);

// The identity at the front of a topic, dropped from it with its '/'. Nothing when there is none.
std::optional<domain::Identity> take_identity(std::string_view& topic);

// "?$rid=1&$version=2": the named value, as written. `$` may be written %24. Nothing when absent.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name);

std::optional<std::int64_t> to_integer(std::string_view text);

}  // namespace selvage::codec::hub_mqtt
