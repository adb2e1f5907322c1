#include "heads/blob/blob_head.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <deque>
#include <map>

#include "async/tests/run.h"
#include "base/time_text.h"

namespace selvage::heads::blob {
namespace {

using hub_api::FileAccess;
using hub_api::FileFacts;

// A hub's storage in memory: signature "good" opens everything.
struct FakeStorage final : hub_api::FileStorage {
    struct Incoming final : hub_api::IncomingFile {
        Incoming(FakeStorage& its, std::map<std::string, std::string>& into, std::string key)
            : storage(its), place(into), name(std::move(key)) {}
        Awaitable<Result<>> write(std::string part) override {
            if (storage.write_failure) co_return fail(*storage.write_failure);
            bytes += part;
            co_return Result<>{};
        }
        Awaitable<Result<FileFacts>> finish() override {
            place[name] = bytes;
            co_return storage.facts_for(bytes);
        }
        FakeStorage& storage;
        std::map<std::string, std::string>& place;
        std::string name;
        std::string bytes;
    };
    struct Outgoing final : hub_api::OutgoingFile {
        Outgoing(FileFacts f, std::string content) : its_facts(std::move(f)), bytes(std::move(content)) {}
        const FileFacts& facts() const override { return its_facts; }
        Awaitable<Result<std::string>> read() override { co_return std::exchange(bytes, {}); }
        FileFacts its_facts;
        std::string bytes;
    };

    std::string_view container() const override { return "uploads"; }
    std::uint64_t file_bytes_max() const override { return 1000; }
    Awaitable<Result<>> check(std::string blob, hub_api::FilePass pass, FileAccess access) override {
        checked = blob;
        asked = access;
        if (pass.signature == "good") co_return Result<>{};
        co_return fail(Errc::unauthorized, "the secret of why");
    }
    Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> put(std::string blob, std::uint64_t bytes, bool only_new) override {
        if (refusal) co_return fail(*refusal);
        if (only_new && files.contains(blob)) co_return fail(Errc::already_exists, "there is one");
        announced = bytes;
        co_return std::make_unique<Incoming>(*this, files, blob);
    }
    Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> put_block(std::string blob, std::string block,
                                                                        std::uint64_t bytes) override {
        announced = bytes;
        co_return std::make_unique<Incoming>(*this, blocks, blob + " " + block);
    }
    Awaitable<Result<FileFacts>> put_blocks(std::string blob, std::vector<std::string> ids, bool) override {
        std::string all;
        for (const auto& id : ids) {
            const auto found = blocks.find(blob + " " + id);
            if (found == blocks.end()) co_return fail(Errc::not_found, "no such block");
            all += found->second;
        }
        files[blob] = all;
        co_return facts_for(all);
    }
    Awaitable<Result<FileFacts>> facts(std::string blob) override {
        if (!files.contains(blob)) co_return fail(Errc::not_found, "no such file");
        co_return facts_for(files[blob]);
    }
    Awaitable<Result<std::unique_ptr<hub_api::OutgoingFile>>> get(std::string blob) override {
        if (!files.contains(blob)) co_return fail(Errc::not_found, "no such file");
        co_return std::make_unique<Outgoing>(facts_for(files[blob]), files[blob]);
    }
    FileFacts facts_for(const std::string& bytes) {
        return {.bytes = bytes.size(), .modified = from_iso8601("2026-03-01T09:00:00Z").value(), .etag = "0x1"};
    }

    std::map<std::string, std::string> files;
    std::map<std::string, std::string> blocks;
    std::string checked;
    FileAccess asked = FileAccess::read;
    std::uint64_t announced = 0;
    std::optional<Error> refusal;
    std::optional<Error> write_failure;
};

struct Body final : net::HttpBodyReader {
    Awaitable<Result<std::optional<std::string>>> read() override {
        ++reads;
        if (parts.empty() && failure) co_return fail(*failure);
        if (parts.empty() && stalls != nullptr) {
            stalls->advance(std::chrono::minutes(3));
            SELVAGE_CO_CHECK(co_await stalls->sleep_for(std::chrono::hours(24)));
        }
        if (parts.empty()) co_return std::nullopt;
        auto part = std::move(parts.front());
        parts.pop_front();
        co_return part;
    }
    std::deque<std::string> parts;
    std::optional<Error> failure;
    async::VirtualTime* stalls = nullptr;  // instead of ending
    int reads = 0;
};

struct Collected final : net::HttpBodyWriter {
    Awaitable<Result<>> write(std::string_view part) override {
        bytes += part;
        co_return Result<>{};
    }
    std::string bytes;
};

class BlobHeadTest : public ::testing::Test {
protected:
    using Fields = std::vector<std::pair<std::string, std::string>>;

    net::HttpResponse call(std::string method, std::string target, Fields fields = {}, std::vector<std::string> parts = {}) {
        net::HttpRequest request{.method = std::move(method), .target = std::move(target)};
        request.headers.fields = std::move(fields);
        std::size_t length = 0;
        for (auto& part : parts) {
            length += part.size();
            body.parts.push_back(std::move(part));
        }
        if (length_sent) request.headers.set("Content-Length", std::to_string(length));
        request.incoming = &body;
        EXPECT_TRUE(head.takes(request.target));
        net::HttpResponse response;
        const auto ask = [&]() -> Awaitable<> { response = co_await head.handle(std::move(request)); };
        async::testing::run(loop, ask());
        EXPECT_FALSE(response.headers.get("x-ms-request-id").empty());
        EXPECT_FALSE(response.headers.get("x-ms-version").empty());
        return response;
    }
    static std::string error_of(const net::HttpResponse& response) {
        const std::string code(response.headers.get("x-ms-error-code"));
        EXPECT_NE(response.body.find("<Code>" + code + "</Code>"), std::string::npos) << response.body;
        EXPECT_EQ(response.headers.get("Content-Type"), "application/xml");
        return std::to_string(response.status) + " " + code;
    }
    std::string content(const net::HttpResponse& response) {
        Collected collected;
        const auto read = [&]() -> Awaitable<> { EXPECT_TRUE(co_await response.stream(collected)); };
        if (response.stream) async::testing::run(loop, read());
        return collected.bytes;
    }

    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), from_iso8601("2026-03-01T10:00:00Z").value()};
    SeededRandom random{1};
    FakeStorage storage;
    Body body;
    bool length_sent = true;
    BlobHead head{storage, time, random};
    const std::string file = "/uploads/d1/x.txt?sv=1&sr=b&sp=rw&se=2026&sig=good";
    const Fields block_blob{{"x-ms-blob-type", "BlockBlob"}};
};

TEST_F(BlobHeadTest, AFileIsPutWhole) {
    const auto response = call("PUT", file, {{"x-ms-blob-type", "BlockBlob"}, {"x-ms-version", "2020-10-02"}}, {"he", "llo"});
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(storage.files["d1/x.txt"], "hello");
    EXPECT_EQ(storage.announced, 5u);
    EXPECT_EQ(storage.asked, FileAccess::write);
    EXPECT_EQ(response.headers.get("ETag"), "\"0x1\"");
    EXPECT_EQ(response.headers.get("Last-Modified"), "Sun, 01 Mar 2026 09:00:00 GMT");
    EXPECT_EQ(response.headers.get("Date"), "Sun, 01 Mar 2026 10:00:00 GMT");
    EXPECT_EQ(response.headers.get("x-ms-version"), "2020-10-02");
}

TEST_F(BlobHeadTest, NamesComeAsClientsEncodeThem) {
    for (const char* path : {"/uploads/d1%2Fa%20b/c", "/uploads/d1/a b/c", "/uploads/d1/a%20b%2Fc"}) {
        call("PUT", std::string(path) + "?sig=good", block_blob);
        EXPECT_EQ(storage.checked, "d1/a b/c") << path;
    }
}

TEST_F(BlobHeadTest, BlocksAreJoinedByTheirList) {
    EXPECT_EQ(call("PUT", file + "&comp=block&blockid=YQ%3D%3D", {}, {"hello "}).status, 201);
    EXPECT_EQ(call("PUT", file + "&comp=block&blockid=Yg==", {}, {"world"}).status, 201);
    const auto list = call("PUT", file + "&comp=blocklist", {},
                           {"<BlockList><Latest>YQ==</La", "test><Latest>Yg==</Latest></BlockList>"});
    EXPECT_EQ(list.status, 201) << list.body;
    EXPECT_EQ(list.headers.get("ETag"), "\"0x1\"");
    EXPECT_EQ(storage.files["d1/x.txt"], "hello world");
    EXPECT_EQ(error_of(call("PUT", file + "&comp=blocklist", {}, {"<BlockList><Latest>Yw==</Latest></BlockList>"})),
              "400 InvalidBlockList");
    EXPECT_EQ(error_of(call("PUT", file + "&comp=blocklist", {}, {"<BlockList><Committed>YQ==</Committed></BlockList>"})),
              "400 InvalidBlockList");
    EXPECT_EQ(error_of(call("PUT", file + "&comp=blocklist", {}, {"{}"})), "400 InvalidXmlDocument");
    EXPECT_EQ(error_of(call("PUT", file + "&comp=block&blockid=%3F", {}, {"x"})), "400 InvalidQueryParameterValue");
    EXPECT_EQ(error_of(call("PUT", file + "&comp=block", {}, {"x"})), "400 InvalidQueryParameterValue");
}

TEST_F(BlobHeadTest, NothingIsReadBeforeTheSignatureIsChecked) {
    for (const char* query : {"?sv=1&sr=b&sp=rw&se=2026&sig=bad", "", "?comp=blocklist"}) {
        const auto response = call("PUT", std::string("/uploads/d1/x.txt") + query, block_blob, {"x"});
        EXPECT_EQ(error_of(response), "403 AuthenticationFailed");
        EXPECT_EQ(body.reads, 0);
    }
    EXPECT_TRUE(storage.files.empty());
}

TEST_F(BlobHeadTest, AFileIsReadWholeByWhoMayReadIt) {
    storage.files["d1/x.txt"] = "hello";
    const auto response = call("GET", file);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(storage.asked, FileAccess::read);
    EXPECT_EQ(response.stream_bytes, 5u);
    EXPECT_EQ(content(response), "hello");
    const auto properties = call("HEAD", file);
    EXPECT_EQ(properties.stream_bytes, 5u);
    EXPECT_FALSE(properties.stream);
    EXPECT_EQ(properties.headers.get("x-ms-blob-type"), "BlockBlob");
    EXPECT_EQ(error_of(call("GET", file, {{"x-ms-range", "bytes=1-2"}})), "400 UnsupportedHeader");
    EXPECT_EQ(call("GET", file, {{"x-ms-range", "bytes=0-"}}).status, 200);
    EXPECT_EQ(error_of(call("GET", "/uploads/d1/y?sig=good")), "404 BlobNotFound");
}

TEST_F(BlobHeadTest, WhatIsNotSupportedIsRefusedByName) {
    EXPECT_EQ(error_of(call("PUT", file)), "400 MissingRequiredHeader");
    EXPECT_EQ(error_of(call("PUT", file, {{"x-ms-blob-type", "PageBlob"}})), "400 InvalidHeaderValue");
    EXPECT_EQ(error_of(call("PUT", file + "&comp=metadata")), "400 InvalidQueryParameterValue");
    for (const char* field : {"x-ms-copy-source", "x-ms-lease-id", "If-Match", "x-ms-encryption-key"}) {
        EXPECT_EQ(error_of(call("PUT", file, {{"x-ms-blob-type", "BlockBlob"}, {field, "x"}})), "400 UnsupportedHeader") << field;
    }
    EXPECT_EQ(error_of(call("DELETE", file)), "403 AuthorizationPermissionMismatch");
    EXPECT_EQ(error_of(call("POST", file)), "405 UnsupportedHttpVerb");
    length_sent = false;
    EXPECT_EQ(error_of(call("PUT", file, block_blob, {"x"})), "411 MissingContentLengthHeader");
    EXPECT_EQ(error_of(call("PUT", file + "&comp=blocklist", {}, {"<BlockList/>"})), "411 MissingContentLengthHeader");
    EXPECT_TRUE(storage.files.empty());
}

TEST_F(BlobHeadTest, BoundsAreClearRefusals) {
    storage.refusal = Error{Errc::message_too_large, "at most 1000"};
    EXPECT_EQ(error_of(call("PUT", file, block_blob, {"x"})), "413 RequestBodyTooLarge");
    storage.refusal = Error{Errc::quota_exceeded, "the storage of this hub is full"};
    const auto full = call("PUT", file, block_blob, {"x"});
    EXPECT_EQ(error_of(full), "507 InsufficientStorage");
    EXPECT_NE(full.body.find("full"), std::string::npos);
    storage.refusal = Error{Errc::io_error, "/secret/path"};
    const auto ours = call("PUT", file, block_blob, {"x"});
    EXPECT_EQ(error_of(ours), "500 InternalError");
    EXPECT_EQ(ours.body.find("secret"), std::string::npos);
}

TEST_F(BlobHeadTest, AnUploadThatEndsHalfWayLeavesNoFile) {
    body.failure = Error{Errc::connection_closed, "the client left"};
    EXPECT_EQ(call("PUT", file, block_blob, {"he"}).status, 500);
    body.failure.reset();
    storage.write_failure = Error{Errc::quota_exceeded, "the disk is full"};
    EXPECT_EQ(error_of(call("PUT", file, block_blob, {"he"})), "507 InsufficientStorage");
    EXPECT_TRUE(storage.files.empty());
}

TEST_F(BlobHeadTest, AListOfBlocksIsNotWaitedForAsLongAsAFile) {
    body.stalls = &time;
    EXPECT_EQ(error_of(call("PUT", file + "&comp=blocklist", {}, {"<BlockList>"})), "500 OperationTimedOut");
    EXPECT_TRUE(storage.files.empty());
}

TEST_F(BlobHeadTest, AnExistingFileIsKeptWhenOnlyANewOneIsWanted) {
    storage.files["d1/x.txt"] = "old";
    EXPECT_EQ(error_of(call("PUT", file, {{"x-ms-blob-type", "BlockBlob"}, {"If-None-Match", "*"}}, {"new"})),
              "409 BlobAlreadyExists");
    EXPECT_EQ(storage.files["d1/x.txt"], "old");
    EXPECT_EQ(error_of(call("PUT", file, {{"x-ms-blob-type", "BlockBlob"}, {"If-None-Match", "\"0x1\""}}, {"new"})),
              "400 UnsupportedHeader");
}

TEST_F(BlobHeadTest, AnMd5ThatDiffersIsRefused) {
    const Fields good{{"x-ms-blob-type", "BlockBlob"}, {"Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="}};
    const Fields bad{{"x-ms-blob-type", "BlockBlob"}, {"Content-MD5", "AAAAKrxLKna5cZ2REBfFkg=="}};
    EXPECT_EQ(error_of(call("PUT", file, bad, {"he", "llo"})), "400 Md5Mismatch");
    EXPECT_TRUE(storage.files.empty());
    EXPECT_EQ(call("PUT", file, good, {"he", "llo"}).status, 201);
}

TEST_F(BlobHeadTest, TakesWhatLiesInTheContainer) {
    for (const char* target : {"/uploads/d1/x", "/uploads/"})
        EXPECT_TRUE(head.takes(target)) << target;
    for (const char* target : {"/uploads", "/uploadsx/d1", "/devices/d1/files", "/", "", "uploads/x"})
        EXPECT_FALSE(head.takes(target)) << target;
    EXPECT_TRUE(head.streamed_bytes_max({.method = "PUT", .target = "/uploads/d1/x"}));
    EXPECT_FALSE(head.streamed_bytes_max({.method = "POST", .target = "/devices/d1/messages/events"}));
}

}  // namespace
}  // namespace selvage::heads::blob
