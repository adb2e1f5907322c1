// JSON values. The type is Boost.JSON's, under our name; parsing has limits and writing is ours.
//
// Why writing is ours: Boost.JSON prints the double 22.1 as 2.21E1, which is right but not what people or their scripts
// expect to read in a twin.
#pragma once

#include <boost/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

// Parses one JSON document; anything but white space behind it is an error. Errors: malformed, with the byte offset.
// `depth_max` counts nested objects and arrays.
Result<Json> parse_json(std::string_view text, std::size_t depth_max = 64);
// The same, and the document must be an object.
Result<JsonObject> parse_json_object(std::string_view text, std::size_t depth_max = 64);

// Shortest text: no white space, members in their own order, numbers in the shortest form that reads back the same.
std::string to_text(const Json& value);
std::string to_text(const JsonObject& value);
// Two spaces of indent, for people.
std::string to_pretty_text(const Json& value);

// Reads a member of an object without throwing. Null, absent or another type: nothing.
const Json* find(const JsonObject& object, std::string_view key);
const JsonObject* find_object(const JsonObject& object, std::string_view key);
const JsonArray* find_array(const JsonObject& object, std::string_view key);
std::string_view find_text(const JsonObject& object, std::string_view key, std::string_view otherwise = {});
std::int64_t find_integer(const JsonObject& object, std::string_view key, std::int64_t otherwise = 0);
bool find_bool(const JsonObject& object, std::string_view key, bool otherwise = false);

}  // namespace selvage
