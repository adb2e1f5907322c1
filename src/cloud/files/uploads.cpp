#include "cloud/files/uploads.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time_text.h"
#include "cloud/files/blob_name.h"
#include "cloud/files/signature.h"

namespace selvage::cloud::files {

namespace {

constexpr const char* kBucket = "file-uploads";

}  // namespace

Awaitable<Result<>> Uploads::load() {
    SELVAGE_CO_TRY(const auto stored, co_await stores_.state.list(kBucket));
    const UtcTime limit = time_.utc_now() - settings_.lifetime;
    for (const auto& [correlation_id, text] : stored) {
        const auto json = parse_json_object(text);
        const auto expires = from_iso8601(json ? find_text(*json, "expires") : std::string_view{});
        if (!expires || *expires <= limit) {
            SELVAGE_CO_CHECK(co_await stores_.state.erase(kBucket, correlation_id));
            continue;
        }
        pending_[{std::string(find_text(*json, "device")), correlation_id}] = {.blob = std::string(find_text(*json, "blob")),
                                                                             .expires = *expires};
    }
    co_return Result<>{};
}

Awaitable<Result<std::size_t>> Uploads::count_of(std::string device) {
    const UtcTime now = time_.utc_now();
    std::size_t count = 0;
    std::vector<std::string> gone;
    for (auto upload = pending_.lower_bound({device, ""}); upload != pending_.end() && upload->first.first == device;) {
        if (upload->second.expires > now) ++count;
        if (upload->second.expires + settings_.lifetime > now) {
            ++upload;
            continue;
        }
        gone.push_back(upload->first.second);
        upload = pending_.erase(upload);
    }
    for (auto& correlation_id : gone)
        SELVAGE_CO_CHECK(co_await stores_.state.erase(kBucket, std::move(correlation_id)));
    co_return count;
}

Awaitable<Result<hub_api::UploadPlace>> Uploads::begin_upload(std::string device, std::string name) {
    SELVAGE_CO_TRY(const auto blob_name, make_blob_name(device, name));
    SELVAGE_CO_TRY(const auto record, co_await stores_.registry.device(device));
    SELVAGE_CO_TRY(const auto count, co_await count_of(device));
    if (count >= settings_.pending_max) {
        co_return fail(Errc::quota_exceeded, fmt::format("{} uploads are under way, as many as a device may have; say how they "
                                                         "went, or wait until they are over", count));
    }
    const UtcTime expires = time_.utc_now() + settings_.lifetime;
    const auto blob = to_text(blob_name);
    const auto correlation_id = random_.guid();
    const JsonObject json{{"device", device}, {"blob", blob}, {"expires", to_iso8601(expires)}};
    // In the list first: others that begin meanwhile have to count it.
    pending_[{device, correlation_id}] = {.blob = blob, .expires = expires};
    if (auto stored = co_await stores_.state.put(kBucket, correlation_id, selvage::to_text(json)); !stored) {
        pending_.erase({device, correlation_id});
        co_return fail(std::move(stored).error());
    }
    const SignedFile file{.container = kContainer, .blob = blob, .generation_id = record.generation_id};
    co_return hub_api::UploadPlace{.correlation_id = correlation_id,
                                   .host_name = settings_.host_name,
                                   .container = std::string(kContainer),
                                   .blob = blob,
                                   .signature = sign(key_, file, expires)};
}

Awaitable<Result<>> Uploads::end_upload(std::string device, hub_api::UploadOutcome outcome) {
    const Key key{device, outcome.correlation_id};
    const auto found = pending_.find(key);
    if (found == pending_.end()) co_return fail(Errc::not_found, "this device has no upload of that correlation id");
    if (found->second.expires <= time_.utc_now()) co_return fail(Errc::precondition_failed, "the upload is over its time");
    // Out of the list first: the same said again meanwhile is not done twice.
    const Upload upload = std::move(found->second);
    pending_.erase(found);
    log::info("files.upload", "ended device={} file={} succeeded={} status={}", device, upload.blob, outcome.succeeded,
              outcome.status_code);
    Result<> ended;
    if (outcome.succeeded) ended = co_await finish(device, upload);
    // The notification first: a crash in between repeats it, and never loses it.
    if (ended) ended = co_await stores_.state.erase(kBucket, key.second);
    if (!ended) pending_[key] = upload;
    co_return ended;
}

Awaitable<Result<>> Uploads::finish(std::string device, Upload upload) {
    SELVAGE_CO_TRY(auto name, parse_blob_name(upload.blob));
    auto facts = co_await stores_.blobs.facts(std::move(name));
    if (!facts && facts.error().code == Errc::not_found) {
        co_return fail(Errc::invalid_argument, "there is no file '" + upload.blob + "' in storage");
    }
    if (!facts) co_return fail(std::move(facts).error());
    std::string path;
    for (const char c : upload.blob)
        path += c == '/' ? "/" : percent_encode(std::string_view(&c, 1));
    JsonObject notification{{"deviceId", device},
                            {"blobUri", fmt::format("https://{}/{}/{}", settings_.host_name, kContainer, path)},
                            {"blobName", upload.blob},
                            {"lastUpdatedTime", to_iso8601(facts->modified)},
                            {"blobSizeInBytes", facts->bytes}};
    co_return co_await notifications_.add(std::move(notification));
}

}  // namespace selvage::cloud::files
