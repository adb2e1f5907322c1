// Cloud-to-device messages: sending (Selvage's own; back ends that speak AMQP do it there), purging, feedback.
// docs/wire/c2d.md
#include <fmt/core.h>

#include "base/encoding.h"
#include "base/time_text.h"
#include "cloud/service_http/answers.h"
#include "cloud/service_http/service.h"
#include "heads/http/message_headers.h"

namespace selvage::cloud::service_http {

using namespace data_folder;

namespace {

// With the content type of the device API's batches: an array of one; else the body is the message's.
Result<domain::Message> message_of(const net::HttpHeaders& headers, std::string body) {
    const auto type = headers.get("Content-Type");
    if (!equals_ignoring_case(trim(type.substr(0, type.find(';'))), heads::http::kBatchContentType)) {
        SELVAGE_TRY(auto message, heads::http::read_properties(headers));
        message.body = std::move(body);
        return message;
    }
    SELVAGE_TRY(auto messages, heads::http::read_batch(body));
    if (messages.size() != 1) return fail(Errc::invalid_argument, "give an array of one message");
    return std::move(messages.front());
}

}  // namespace

Service::Answer Service::send_to_device(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect));
    if (call.method != "POST") co_return fail(wrong_method("POST"));
    SELVAGE_CO_TRY(auto message, message_of(call.headers, std::move(call.body)));
    SELVAGE_CO_TRY(const auto sent, co_await parts_.mailboxes.send(call.target.path[2], std::move(message)));
    co_return json_answer(
        JsonObject{{"sequenceNumber", sent.sequence}, {"expiryTimeUtc", to_iso8601(sent.expires)}});
}

Service::Answer Service::purge(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect, kRegistryWrite));
    if (call.method != "DELETE") co_return fail(wrong_method("DELETE"));
    const std::string device = call.target.path[1];
    SELVAGE_CO_TRY(const auto purged, co_await parts_.mailboxes.purge(device));
    co_return json_answer(JsonObject{{"deviceId", device}, {"moduleId", nullptr}, {"totalMessagesPurged", purged}});
}

// /messages/serviceBound/feedback[/{lockToken}[/abandon]]
Service::Answer Service::feedback(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect));
    const auto& path = call.target.path;
    if (path.size() == 3) {
        if (call.method != "GET") co_return fail(wrong_method("GET"));
        SELVAGE_CO_TRY(auto batch, co_await parts_.feedback.receive());
        if (!batch) co_return empty_answer();
        net::HttpResponse answer;
        // What AMQP calls application/vnd.microsoft.iothub.feedback.json; the Node SDK reads no body but this.
        answer.headers.set("Content-Type", "application/json; charset=utf-8");
        answer.headers.set("ETag", fmt::format("\"{}\"", batch->lock_token));
        answer.headers.set("iothub-enqueuedtime", to_iso8601(batch->enqueued));
        answer.body = std::move(batch->body);
        co_return answer;
    }
    const std::string token = path[3];
    if (path.size() == 4) {
        if (call.method != "DELETE") co_return fail(wrong_method("DELETE"));
        SELVAGE_CO_CHECK(co_await parts_.feedback.complete(token));
        co_return empty_answer();
    }
    if (path.size() != 5 || !equals_ignoring_case(path[4], "abandon")) {
        co_return fail(Errc::not_found, "no such operation on feedback");
    }
    if (call.method != "POST") co_return fail(wrong_method("POST"));
    SELVAGE_CO_CHECK(co_await parts_.feedback.abandon(token));
    co_return empty_answer();
}

}  // namespace selvage::cloud::service_http
