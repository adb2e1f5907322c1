// Uploaded files: notifications for back ends, and the files themselves for operators (Selvage's own).
// docs/wire/file-upload.md
#include <fmt/core.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/time_text.h"
#include "cloud/service_http/answers.h"
#include "cloud/service_http/service.h"

namespace selvage::cloud::service_http {

using namespace data_folder;

namespace {

constexpr std::int64_t kListMax = 1000;

std::unexpected<Error> no_files() { return fail(Errc::not_found, "this hub takes no files: [files] enabled in hub.toml"); }

JsonObject file_json(const files::StoredFile& file) {
    return {{"blobName", file.blob},
            {"blobSizeInBytes", file.facts.bytes},
            {"lastUpdatedTime", to_iso8601(file.facts.modified)}};
}

net::HttpResponse file_answer(std::shared_ptr<hub_api::OutgoingFile> file) {
    net::HttpResponse answer;
    answer.headers.set("Content-Type", "application/octet-stream");
    answer.stream_bytes = file->facts().bytes;
    answer.stream = [file](net::HttpBodyWriter& writer) -> Awaitable<Result<>> {
        for (;;) {
            SELVAGE_CO_TRY(const auto part, co_await file->read());
            if (part.empty()) co_return Result<>{};
            SELVAGE_CO_CHECK(co_await writer.write(part));
        }
    };
    return answer;
}

}  // namespace

// /messages/serviceBound/filenotifications[/{lockToken}[/abandon]]
Service::Answer Service::file_notifications(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect));
    if (parts_.file_notifications == nullptr) co_return no_files();
    auto& queue = *parts_.file_notifications;
    const auto& path = call.target.path;
    if (path.size() == 3) {
        if (call.method != "GET") co_return fail(wrong_method("GET"));
        SELVAGE_CO_TRY(auto received, co_await queue.receive());
        if (!received) co_return empty_answer();
        net::HttpResponse answer;
        answer.headers.set("Content-Type", "application/json; charset=utf-8");
        answer.headers.set("ETag", fmt::format("\"{}\"", received->lock_token));
        answer.body = std::move(received->body);
        co_return answer;
    }
    const bool abandons = path.size() == 5 && equals_ignoring_case(path[4], "abandon");
    if (path.size() != 4 && !abandons) co_return fail(Errc::not_found, "no such resource");
    if (call.method != (abandons ? "POST" : "DELETE")) co_return fail(wrong_method(abandons ? "POST" : "DELETE"));
    SELVAGE_CO_CHECK(abandons ? co_await queue.abandon(path[3]) : co_await queue.complete(path[3]));
    co_return empty_answer();
}

// /selvage/files?device=…&after=…&max=…: a list; /selvage/files/{device}/{name}: one file.
Service::Answer Service::files(Call call) {
    SELVAGE_CO_CHECK(check_may(call.caller, kServiceConnect));
    if (parts_.files == nullptr) co_return no_files();
    auto& container = *parts_.files;
    const auto& path = call.target.path;
    if (path.size() > 2) {
        std::string blob = path[2];
        for (std::size_t i = 3; i < path.size(); ++i)
            blob += "/" + path[i];
        if (call.method == "DELETE") {
            SELVAGE_CO_CHECK(co_await container.remove(blob));
            co_return empty_answer();
        }
        if (call.method != "GET") co_return fail(wrong_method("GET, DELETE"));
        SELVAGE_CO_TRY(auto file, co_await container.get(blob));
        co_return file_answer(std::move(file));
    }
    if (call.method != "GET") co_return fail(wrong_method("GET"));
    SELVAGE_CO_TRY(const auto most, number_in(call.target, "max", kListMax));
    const auto* device = call.target.get("device");
    const auto* after = call.target.get("after");
    const auto count = static_cast<std::size_t>(std::clamp<std::int64_t>(most, 1, kListMax));
    SELVAGE_CO_TRY(const auto listed, co_await container.list(device != nullptr ? *device : "", after != nullptr ? *after : "", count));
    JsonArray list;
    for (const auto& file : listed)
        list.push_back(file_json(file));
    co_return json_answer(list);
}

}  // namespace selvage::cloud::service_http
