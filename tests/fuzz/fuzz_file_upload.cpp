// What devices send to the storage endpoint for their files. First byte: 0 raw HTTP requests into the head, in front of storage
// that counts; 1 a list of blocks; 2 names of files and their places on disk; 3 signatures, of which nobody makes a good one.
#include <cstdint>
#include <map>
#include <string>

#include "base/encoding.h"
#include "cloud/files/blob_name.h"
#include "cloud/files/signature.h"
#include "heads/blob/blob_head.h"
#include "heads/blob/block_list.h"
#include "rig/input.h"
#include "rig/world.h"
#include "storage/blobs/blob_path.h"

namespace {

using namespace selvage;
using async::Awaitable;

constexpr std::uint64_t kFileMax = 100'000;

// Insists that the head writes no more than it announced, and that nothing is under way once the head is done.
class Storage final : public hub_api::FileStorage {
public:
    std::map<std::string, std::string> files;
    int open = 0;

    std::string_view container() const override { return "uploads"; }
    std::uint64_t file_bytes_max() const override { return kFileMax; }
    Awaitable<Result<>> check(std::string, hub_api::FilePass pass, hub_api::FileAccess access) override {
        if (pass.signature.empty()) co_return fail(Errc::unauthorized, "no signature");
        if (access == hub_api::FileAccess::write && pass.permissions == "r") co_return fail(Errc::forbidden, "only reading");
        co_return Result<>{};
    }
    Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> put(std::string blob, std::uint64_t bytes, bool only_new) override {
        if (bytes > kFileMax) co_return fail(Errc::message_too_large, "too large");
        if (only_new && files.contains(blob)) co_return fail(Errc::already_exists, "it is there");
        co_return std::make_unique<Incoming>(*this, std::move(blob), bytes);
    }
    Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> put_block(std::string blob, std::string block, std::uint64_t bytes) override {
        SELVAGE_ASSERT(!block.empty());
        if (bytes > kFileMax) co_return fail(Errc::message_too_large, "too large");
        co_return std::make_unique<Incoming>(*this, std::move(blob) + "#" + block, bytes);
    }
    Awaitable<Result<hub_api::FileFacts>> put_blocks(std::string blob, std::vector<std::string> blocks, bool) override {
        std::string whole;
        for (const auto& block : blocks) {
            const auto found = files.find(blob + "#" + block);
            if (found == files.end()) co_return fail(Errc::not_found, "no such block");
            whole += found->second;
        }
        files[blob] = whole;
        co_return facts_of(whole);
    }
    Awaitable<Result<hub_api::FileFacts>> facts(std::string blob) override {
        const auto found = files.find(blob);
        if (found == files.end()) co_return fail(Errc::not_found, "no such file");
        co_return facts_of(found->second);
    }
    Awaitable<Result<std::unique_ptr<hub_api::OutgoingFile>>> get(std::string blob) override {
        const auto found = files.find(blob);
        if (found == files.end()) co_return fail(Errc::not_found, "no such file");
        co_return std::make_unique<Outgoing>(found->second);
    }

private:
    static hub_api::FileFacts facts_of(const std::string& text) { return {.bytes = text.size(), .modified = {}, .etag = "e1"}; }

    class Incoming final : public hub_api::IncomingFile {
    public:
        Incoming(Storage& storage, std::string name, std::uint64_t bytes) : storage_(storage), name_(std::move(name)), bytes_(bytes) { ++storage_.open; }
        ~Incoming() override { --storage_.open; }
        Awaitable<Result<>> write(std::string part) override {
            text_ += part;
            if (text_.size() > bytes_) co_return fail(Errc::malformed, "more than was announced");
            co_return Result<>{};
        }
        Awaitable<Result<hub_api::FileFacts>> finish() override {
            if (text_.size() != bytes_) co_return fail(Errc::malformed, "not what was announced");
            storage_.files[name_] = text_;
            co_return facts_of(text_);
        }

    private:
        Storage& storage_;
        std::string name_;
        std::uint64_t bytes_;
        std::string text_;
    };
    class Outgoing final : public hub_api::OutgoingFile {
    public:
        explicit Outgoing(std::string text) : text_(std::move(text)), facts_(facts_of(text_)) {}
        const hub_api::FileFacts& facts() const override { return facts_; }
        Awaitable<Result<std::string>> read() override { co_return std::exchange(text_, {}); }

    private:
        std::string text_;
        hub_api::FileFacts facts_;
    };
};

Awaitable<> write_all(std::shared_ptr<net::Stream> stream, std::string_view bytes) {
    ignore(co_await stream->write(bytes), "the server may have left");
    stream->end_writing();
}

Awaitable<> read_all(std::shared_ptr<net::Stream> stream) {
    std::array<std::byte, 4096> buffer{};
    for (;;) {
        const auto count = co_await stream->read_some(buffer);
        if (!count || *count == 0) co_return;
    }
}

Awaitable<> talk(fuzz::World& world, std::string_view bytes) {
    Storage storage;
    storage.files["d1/there.txt"] = "there";
    heads::blob::BlobHead head(storage, world.time, world.random);
    auto ends = net::make_stream_pair(world.loop.get_executor(), 512);
    const std::shared_ptr<net::Stream> client = std::move(ends.first);
    net::HttpServerSettings settings{.head_bytes_max = 8192, .body_bytes_max = 8192};
    settings.streamed_bytes_max = [&head](const net::HttpRequest& request) { return head.streamed_bytes_max(request); };
    const auto handler = [&head](net::HttpRequest request) -> Awaitable<net::HttpResponse> {
        if (!head.takes(request.target)) co_return net::HttpResponse{.status = 404};
        co_return co_await head.handle(std::move(request));
    };
    async::TaskGroup tasks(world.loop.get_executor());
    tasks.spawn("client writes", write_all(client, bytes));
    tasks.spawn("client reads", read_all(client));
    co_await net::serve_http(std::move(ends.second), world.time, settings, handler);
    client->close();
    co_await tasks.stop();
    SELVAGE_ASSERT(storage.open == 0);
}

void names(std::string_view text) {
    if (const auto read = cloud::files::parse_blob_name(text)) SELVAGE_ASSERT(cloud::files::to_text(*read) == text);
    const auto made = cloud::files::make_blob_name("d1", std::string(text));
    if (!made) return;
    const auto again = cloud::files::parse_blob_name(cloud::files::to_text(*made));
    SELVAGE_ASSERT(again && *again == *made);
    // On disk a name leaves its folder in no way, and is found again.
    using storage::blobs::path_of;
    const auto path = path_of(made->owner) + "/" + path_of(made->name);
    SELVAGE_ASSERT(path.find("/../") == std::string::npos && path.find("/./") == std::string::npos && !path.ends_with("/.."));
    const auto found = storage::blobs::names_of(path);
    SELVAGE_ASSERT(found && *found == (std::vector<std::string>{made->owner, made->name}));
}

void signatures(std::string_view text) {
    hub_api::FilePass pass{.version = "2020-12-06", .resource = "b", .permissions = "rw", .expiry = "2026-04-01T00:00:00Z", .signature = ""};
    pass.signature = fuzz::take_until(text, '\n');
    if (!text.empty()) pass.expiry = fuzz::take_until(text, '\n');
    if (!text.empty()) pass.permissions = fuzz::take_until(text, '\n');
    const cloud::files::SignedFile file{.container = "uploads", .blob = "d1/a", .generation_id = "1"};
    constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
    const std::string key(32, 'k');
    SELVAGE_ASSERT(!cloud::files::check(key, file, pass, hub_api::FileAccess::write, kNow));
    SELVAGE_ASSERT(!cloud::files::check(key, file, pass, hub_api::FileAccess::read, kNow));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = fuzz::text_of(data + 1, size - 1);
    switch (data[0] % 4) {
        case 0: {
            fuzz::World world;
            world.run(talk(world, text));
            break;
        }
        case 1: {
            const auto blocks = heads::blob::read_block_list(text);
            if (blocks) SELVAGE_ASSERT(blocks->size() <= heads::blob::kBlocksMax);
            ignore(heads::blob::read_block_id(text), "refusing is fine");
            break;
        }
        case 2: names(text); break;
        default: signatures(text); break;
    }
    return 0;
}
