#include "cloud/files/container.h"

#include "base/log.h"
#include "cloud/files/blob_name.h"
#include "cloud/files/signature.h"
#include "cloud/files/uploads.h"

namespace selvage::cloud::files {

using hub_api::FileFacts;

namespace {

constexpr std::chrono::hours kSweepEvery{1};

FileFacts facts_of(const storage::BlobFacts& facts) {
    return {.bytes = facts.bytes, .modified = facts.modified, .etag = facts.etag};
}

class Incoming final : public hub_api::IncomingFile {
public:
    explicit Incoming(std::unique_ptr<storage::BlobWriter> writer) : writer_(std::move(writer)) {}
    Awaitable<Result<>> write(std::string part) override { return writer_->write(std::move(part)); }
    Awaitable<Result<FileFacts>> finish() override {
        SELVAGE_CO_TRY(const auto facts, co_await writer_->finish());
        co_return facts_of(facts);
    }

private:
    std::unique_ptr<storage::BlobWriter> writer_;
};

class Outgoing final : public hub_api::OutgoingFile {
public:
    explicit Outgoing(std::unique_ptr<storage::BlobReader> reader)
        : reader_(std::move(reader)), facts_(facts_of(reader_->facts())) {}
    const FileFacts& facts() const override { return facts_; }
    Awaitable<Result<std::string>> read() override { return reader_->read(); }

private:
    std::unique_ptr<storage::BlobReader> reader_;
    FileFacts facts_;
};

}  // namespace

Container::Container(async::Executor loop, async::TimeSource& time, storage::BlobStore& blobs,
                     storage::RegistryStore& registry, std::string key, std::uint64_t file_bytes_max)
    : time_(time),
      blobs_(blobs),
      registry_(registry),
      key_(std::move(key)),
      file_bytes_max_(file_bytes_max),
      tasks_(std::move(loop)) {}

void Container::start() { tasks_.spawn("files: old blocks", sweep()); }
Awaitable<> Container::stop() { return tasks_.stop(); }

Awaitable<> Container::sweep() {
    while (!tasks_.stopping()) {
        const auto dropped = co_await blobs_.drop_old_blocks();
        if (!dropped) log::warn("files", "old blocks stay: {}", dropped.error().detail);
        if (!co_await time_.sleep_for(kSweepEvery)) co_return;
    }
}

std::string_view Container::container() const { return kContainer; }

Awaitable<Result<>> Container::check(std::string blob, hub_api::FilePass pass, hub_api::FileAccess access) {
    auto name = parse_blob_name(blob);
    if (!name) co_return fail(Errc::unauthorized, "no signature is for such a name");
    const auto device = co_await registry_.device(name->owner);
    if (!device || !device->enabled) co_return fail(Errc::unauthorized, "the device of the file is not known or disabled");
    const SignedFile file{.container = kContainer, .blob = blob, .generation_id = device->generation_id};
    co_return files::check(key_, file, pass, access, time_.utc_now());
}

Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> Container::put(std::string blob, std::uint64_t bytes, bool only_new) {
    SELVAGE_CO_TRY(auto name, parse_blob_name(blob));
    SELVAGE_CO_TRY(auto writer, co_await blobs_.put(std::move(name), bytes, only_new));
    co_return std::make_unique<Incoming>(std::move(writer));
}

Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> Container::put_block(std::string blob, std::string block,
                                                                               std::uint64_t bytes) {
    SELVAGE_CO_TRY(auto name, parse_blob_name(blob));
    SELVAGE_CO_TRY(auto writer, co_await blobs_.put_block(std::move(name), std::move(block), bytes));
    co_return std::make_unique<Incoming>(std::move(writer));
}

Awaitable<Result<FileFacts>> Container::put_blocks(std::string blob, std::vector<std::string> blocks, bool only_new) {
    SELVAGE_CO_TRY(auto name, parse_blob_name(blob));
    SELVAGE_CO_TRY(const auto facts, co_await blobs_.commit(std::move(name), std::move(blocks), only_new));
    co_return facts_of(facts);
}

Awaitable<Result<FileFacts>> Container::facts(std::string blob) {
    SELVAGE_CO_TRY(auto name, parse_blob_name(blob));
    SELVAGE_CO_TRY(const auto facts, co_await blobs_.facts(std::move(name)));
    co_return facts_of(facts);
}

Awaitable<Result<std::unique_ptr<hub_api::OutgoingFile>>> Container::get(std::string blob) {
    SELVAGE_CO_TRY(auto name, parse_blob_name(blob));
    SELVAGE_CO_TRY(auto reader, co_await blobs_.read(std::move(name)));
    co_return std::make_unique<Outgoing>(std::move(reader));
}

Awaitable<Result<std::vector<StoredFile>>> Container::list(std::string device, std::string after, std::size_t most) {
    storage::BlobName from;
    if (!after.empty()) {
        SELVAGE_CO_TRY(from, parse_blob_name(after));
    }
    SELVAGE_CO_TRY(const auto listed, co_await blobs_.list(std::move(device), std::move(from), most));
    std::vector<StoredFile> files;
    for (const auto& one : listed)
        files.push_back({.blob = to_text(one.name), .facts = facts_of(one.facts)});
    co_return files;
}

Awaitable<Result<>> Container::remove(std::string blob) {
    SELVAGE_CO_TRY(auto name, parse_blob_name(blob));
    co_return co_await blobs_.remove(std::move(name));
}

}  // namespace selvage::cloud::files
