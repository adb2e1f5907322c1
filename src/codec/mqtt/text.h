// The text rules of MQTT 3.1.1 section 1.5.3.
#pragma once

#include <string_view>

namespace selvage::codec::mqtt {

// Well-formed UTF-8: no overlong form, no surrogate, nothing over U+10FFFF.
bool is_utf8(std::string_view text);
// UTF-8 without U+0000: what a string on the wire may hold.
bool is_mqtt_text(std::string_view text);

}  // namespace selvage::codec::mqtt
