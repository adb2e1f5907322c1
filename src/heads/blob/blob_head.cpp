#include "heads/blob/blob_head.h"

#include <fmt/core.h>

#include <charconv>
#include <limits>

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"
#include "heads/blob/block_list.h"
#include "heads/blob/error_map.h"
#include "heads/blob/md5.h"

namespace selvage::heads::blob {

using hub_api::FileAccess;
using hub_api::FileFacts;
using net::HttpRequest;
using net::HttpResponse;

// Whom a request is about.
struct BlobHead::Call {
    std::string blob;
    std::string operation;            // comp of the query; empty: the file itself
    std::string block_id;             // as in the query
    bool only_new = false;
};

// Why a request is refused: by the table, or for a reason that only this API has.
struct BlobHead::Refusal {
    Refusal(BlobError what, std::string text) : error(what), detail(std::move(text)) {}
    Refusal(Error reason) : error(blob_error(reason.code)), detail(std::move(reason.detail)) {}  // NOLINT: so that TRY works
    BlobError error;
    std::string detail;
};

namespace {

// What a client that sends these relies on would not happen.
constexpr std::string_view kUnsupportedFields[] = {
    "If-Match",          "If-Modified-Since", "If-Unmodified-Since",   "x-ms-if-tags",           "x-ms-lease-id",
    "x-ms-copy-source",  "x-ms-content-crc64", "x-ms-encryption-key",   "x-ms-encryption-scope",
};

std::string text_of(const net::HttpTarget& target, std::string_view name) {
    const auto* value = target.get(name);
    return value != nullptr ? *value : std::string();
}

std::string blob_of(const net::HttpTarget& target) {
    std::string blob;
    for (std::size_t i = 1; i < target.path.size(); ++i) {
        if (i > 1) blob += '/';
        blob += target.path[i];
    }
    return blob;
}

std::optional<std::uint64_t> length_of(const net::HttpHeaders& headers) {
    const auto text = trim(headers.get("Content-Length"));
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return length;
}

void write_facts(const FileFacts& facts, net::HttpHeaders& headers) {
    headers.set("ETag", fmt::format("\"{}\"", facts.etag));
    headers.set("Last-Modified", http_date(facts.modified));
}

HttpResponse created(const FileFacts* facts) {
    HttpResponse response;
    response.status = 201;
    if (facts != nullptr) write_facts(*facts, response.headers);
    response.headers.set("x-ms-request-server-encrypted", "false");
    return response;
}

// Gives the whole body to `file`. Errors: of the connection and of the file; corrupt: `md5` (base64; empty: none) is another.
Awaitable<Result<FileFacts>> take_body(net::HttpBodyReader* body, hub_api::IncomingFile& file, std::string md5) {
    std::optional<Md5> sum;
    if (!md5.empty()) sum.emplace();
    while (body != nullptr) {
        SELVAGE_CO_TRY(auto part, co_await body->read());
        if (!part) break;
        if (sum) sum->add(*part);
        SELVAGE_CO_CHECK(co_await file.write(*std::move(part)));
    }
    if (sum && sum->finish() != md5) co_return fail(Errc::precondition_failed, "Content-MD5 is not that of the body");
    co_return co_await file.finish();
}

// The whole body, which is of a size that was checked.
Awaitable<Result<std::string>> read_whole(net::HttpBodyReader* body) {
    std::string whole;
    while (body != nullptr) {
        SELVAGE_CO_TRY(const auto part, co_await body->read());
        if (!part) break;
        whole += *part;
    }
    co_return whole;
}

}  // namespace

bool BlobHead::takes(std::string_view target) const {
    if (!target.starts_with('/')) return false;
    target.remove_prefix(1);
    return target.starts_with(storage_.container()) && target.substr(storage_.container().size()).starts_with('/');
}

std::optional<std::uint64_t> BlobHead::streamed_bytes_max(const HttpRequest& head) const {
    if (!takes(head.target)) return std::nullopt;
    return std::numeric_limits<std::uint64_t>::max();
}

Awaitable<HttpResponse> BlobHead::handle(HttpRequest request) {
    const std::string request_id = random_.guid();
    const std::string what = fmt::format("{} {}", request.method, request.target.substr(0, request.target.find('?')));
    auto answer = co_await serve(request);
    if (!answer) {
        const auto& [error, detail] = answer.error();
        log::at(error.status >= 500 ? log::Level::warn : log::Level::info, "blob.request", "refused {} peer={} status={} {}: {}",
                what.substr(0, 300), request.peer != nullptr ? request.peer->peer() : "", error.status, error.code, detail);
        const bool told = error.status < 500 || error.status == blob_error(Errc::quota_exceeded).status;
        answer = error_response(error, told ? std::string_view(detail) : error.code, request_id, time_.utc_now());
    }
    auto& headers = answer->headers;
    headers.set("x-ms-request-id", request_id);
    const auto version = request.headers.get("x-ms-version");
    headers.set("x-ms-version", version.empty() || version.size() > 20 ? "2018-03-28" : version);
    if (const auto id = request.headers.get("x-ms-client-request-id"); !id.empty() && id.size() <= 1024)
        headers.set("x-ms-client-request-id", id);
    headers.set("Date", http_date(time_.utc_now()));
    co_return *std::move(answer);
}

BlobHead::Answer BlobHead::serve(HttpRequest& request) {
    SELVAGE_CO_TRY(const auto target, net::parse_target(request.target));
    Call call{.blob = blob_of(target), .operation = text_of(target, "comp"), .block_id = text_of(target, "blockid")};
    const bool reads = request.method == "GET" || request.method == "HEAD";
    hub_api::FilePass pass{.version = text_of(target, "sv"),
                           .resource = text_of(target, "sr"),
                           .permissions = text_of(target, "sp"),
                           .expiry = text_of(target, "se"),
                           .signature = text_of(target, "sig")};
    SELVAGE_CO_CHECK(co_await storage_.check(call.blob, std::move(pass), reads ? FileAccess::read : FileAccess::write));
    for (const auto field : kUnsupportedFields) {
        if (!request.headers.has(field)) continue;
        co_return std::unexpected(Refusal(kUnsupportedHeader, fmt::format("{} is not supported here", field)));
    }
    const auto none_match = trim(request.headers.get("If-None-Match"));
    if (!none_match.empty() && (none_match != "*" || reads)) {
        co_return std::unexpected(Refusal(kUnsupportedHeader, "If-None-Match is supported for '*' and writing only"));
    }
    call.only_new = !none_match.empty();
    if (reads) co_return co_await get(request, std::move(call));
    if (request.method == "PUT") co_return co_await put(request, std::move(call));
    // The signature is for reading and writing, which the rest is not.
    if (request.method == "DELETE") co_return fail(Errc::forbidden, "the signature is not for this operation");
    co_return fail(Errc::unsupported, "this path takes PUT, GET and HEAD");
}

BlobHead::Answer BlobHead::put(HttpRequest& request, Call call) {
    if (call.operation == "blocklist") co_return co_await put_block_list(request, std::move(call));
    if (call.operation == "block") {
        auto block = read_block_id(call.block_id);
        if (!block) co_return std::unexpected(Refusal(kBadQuery, block.error().detail));
        co_return co_await put_bytes(request, std::move(call), *std::move(block));
    }
    if (!call.operation.empty()) {
        co_return std::unexpected(Refusal(kBadQuery, "comp: only block and blocklist are supported here"));
    }
    const auto type = request.headers.get("x-ms-blob-type");
    if (type.empty()) co_return std::unexpected(Refusal(kMissingHeader, "x-ms-blob-type is missing"));
    if (!equals_ignoring_case(trim(type), "BlockBlob")) {
        co_return std::unexpected(Refusal(kBadHeader, "x-ms-blob-type: only BlockBlob is supported here"));
    }
    co_return co_await put_bytes(request, std::move(call), {});
}

// `block` is empty for a whole file.
BlobHead::Answer BlobHead::put_bytes(HttpRequest& request, Call call, std::string block) {
    const auto length = length_of(request.headers);
    if (!length) co_return std::unexpected(Refusal(kNoLength, "give Content-Length"));
    const bool whole = block.empty();
    std::unique_ptr<hub_api::IncomingFile> file;
    if (whole) {
        SELVAGE_CO_TRY(file, co_await storage_.put(call.blob, *length, call.only_new));
    } else {
        SELVAGE_CO_TRY(file, co_await storage_.put_block(call.blob, std::move(block), *length));
    }
    auto taking = take_body(request.incoming, *file, std::string(trim(request.headers.get("Content-MD5"))));
    auto facts = co_await async::with_deadline(time_, settings_.upload_timeout, std::move(taking));
    if (!facts && facts.error().code == Errc::precondition_failed) {
        co_return std::unexpected(Refusal(kMd5Differs, facts.error().detail));
    }
    if (!facts) co_return fail(std::move(facts).error());
    co_return created(whole ? &*facts : nullptr);
}

BlobHead::Answer BlobHead::put_block_list(HttpRequest& request, Call call) {
    const auto length = length_of(request.headers);
    if (!length) co_return std::unexpected(Refusal(kNoLength, "give Content-Length"));
    if (*length > kBlockListBytesMax) co_return fail(Errc::message_too_large, "the list of blocks is too long");
    SELVAGE_CO_TRY(const auto xml, co_await async::with_deadline(time_, settings_.list_timeout, read_whole(request.incoming)));
    if (const auto md5 = trim(request.headers.get("Content-MD5")); !md5.empty()) {
        Md5 sum;
        sum.add(xml);
        if (sum.finish() != md5) co_return std::unexpected(Refusal(kMd5Differs, "Content-MD5 is not that of the body"));
    }
    auto blocks = read_block_list(xml);
    if (!blocks) {
        const bool form = blocks.error().code == Errc::malformed;
        co_return std::unexpected(Refusal(form ? kBadXml : kBadBlockList, blocks.error().detail));
    }
    auto facts = co_await storage_.put_blocks(call.blob, *std::move(blocks), call.only_new);
    if (!facts && facts.error().code == Errc::not_found) {
        co_return std::unexpected(Refusal(kBadBlockList, "a block of the list is not there"));
    }
    if (!facts) co_return fail(std::move(facts).error());
    co_return created(&*facts);
}

BlobHead::Answer BlobHead::get(HttpRequest& request, Call call) {
    if (!call.operation.empty()) co_return std::unexpected(Refusal(kBadQuery, "comp is not supported for reading"));
    for (const auto* field : {"Range", "x-ms-range"}) {
        const auto range = trim(request.headers.get(field));
        if (range.empty() || range == "bytes=0-") continue;
        co_return std::unexpected(Refusal(kUnsupportedHeader, "a file is given whole: no Range"));
    }
    SELVAGE_CO_TRY(auto opened, co_await storage_.get(call.blob));
    const std::shared_ptr<hub_api::OutgoingFile> file = std::move(opened);
    HttpResponse response;
    write_facts(file->facts(), response.headers);
    response.headers.set("Content-Type", "application/octet-stream");
    response.headers.set("x-ms-blob-type", "BlockBlob");
    response.stream_bytes = file->facts().bytes;
    if (request.method == "HEAD") co_return response;
    response.stream = [file](net::HttpBodyWriter& writer) -> Awaitable<Result<>> {
        for (;;) {
            SELVAGE_CO_TRY(const auto part, co_await file->read());
            if (part.empty()) co_return Result<>{};
            SELVAGE_CO_CHECK(co_await writer.write(part));
        }
    };
    co_return response;
}

}  // namespace selvage::heads::blob
