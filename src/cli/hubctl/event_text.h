// Events of the log as hubctl prints them.
//
// Pure. Wire: docs/wire/event-read.md.
#pragma once

#include <string>

#include "base/json.h"

namespace selvage::cli::hubctl {

// One event of the hub's answer as the line of `--output json`: ids, times and properties by name, and the body as JSON
// where it is JSON, else as text, else in base64 with "bodyEncoding":"base64".
JsonObject event_object(const JsonObject& event);
// For people: a line with time and sender, the body, the properties.
std::string event_lines(const JsonObject& event_object);
// The device that sent an event of the hub's answer.
std::string_view sender_of(const JsonObject& event);

}  // namespace selvage::cli::hubctl
