// The pieces that routes are written with: JSON answers, permissions, numbers out of the query.
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "cloud/auth/authenticator.h"
#include "net/http.h"

namespace selvage::cloud::service_http {

// 200 with a JSON body; an object's "etag" also goes into the ETag header, in quotes.
net::HttpResponse json_answer(const JsonObject& body);
net::HttpResponse json_answer(const JsonArray& body);
net::HttpResponse empty_answer();  // 204

// One of the permissions is enough. Errors: unauthorized.
Result<> check_may(const auth::Caller& caller, data_folder::Permissions one, data_folder::Permissions other = ~0u);

// The number of a query parameter; `otherwise` when absent. Errors: invalid_argument.
Result<std::int64_t> number_in(const net::HttpTarget& target, std::string_view name, std::int64_t otherwise);

// A route that exists, asked with a method that it does not take.
Error wrong_method(std::string_view allowed);

}  // namespace selvage::cloud::service_http
