#include "cloud/service_http/answers.h"

#include <fmt/core.h>

#include <charconv>

namespace selvage::cloud::service_http {

namespace {

net::HttpResponse json_text(std::string text) {
    net::HttpResponse answer;
    // The Node SDK ignores bodies of any other content type.
    answer.headers.set("Content-Type", "application/json; charset=utf-8");
    answer.body = std::move(text);
    return answer;
}

}  // namespace

net::HttpResponse json_answer(const JsonObject& body) {
    auto answer = json_text(to_text(body));
    if (const auto etag = find_text(body, "etag"); !etag.empty())
        answer.headers.set("ETag", fmt::format("\"{}\"", etag));
    return answer;
}

net::HttpResponse json_answer(const JsonArray& body) {
    return json_text(to_text(Json(body)));
}

net::HttpResponse empty_answer() {
    net::HttpResponse answer;
    answer.status = 204;
    return answer;
}

Result<> check_may(const auth::Caller& caller, data_folder::Permissions one, data_folder::Permissions other) {
    if (caller.may(one) || caller.may(other)) return {};
    return fail(Errc::unauthorized, "these credentials have no permission for this operation");
}

Result<std::int64_t> number_in(const net::HttpTarget& target, std::string_view name, std::int64_t otherwise) {
    const auto* text = target.get(name);
    if (text == nullptr || text->empty()) return otherwise;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error == std::errc{} && end == text->data() + text->size()) return number;
    return fail(Errc::invalid_argument, fmt::format("{}: give a whole number", name));
}

Error wrong_method(std::string_view allowed) {
    return {Errc::unsupported, fmt::format("this path takes {}", allowed)};
}

}  // namespace selvage::cloud::service_http
