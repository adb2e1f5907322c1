#include "storage/blobs/blob_store.h"

#include <fmt/core.h>

#include <unistd.h>

#include <map>

#include "storage/blobs/core.h"

namespace selvage::storage {

using blobs::OpenFile;
using blobs::price_of;
using blobs::Room;

namespace {

constexpr std::size_t kBlockIdBytesMax = 64;

Result<> check_size(std::uint64_t bytes, std::uint64_t most) {
    if (bytes <= most) return {};
    return fail(Errc::message_too_large, fmt::format("a file of {} bytes, at most {} are taken", bytes, most));
}

}  // namespace

BlobStore::BlobStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}
BlobStore::~BlobStore() = default;

Result<std::unique_ptr<BlobStore>> BlobStore::open(const Clock& clock, BlobSettings settings) {
    auto core = std::make_shared<Core>(clock, std::move(settings));
    SELVAGE_CHECK(core->disk->prepare());
    const auto count = [&](const std::vector<std::string>& names, const std::string& path) {
        if (const auto facts = blobs::facts_of(path)) core->usage->add(names.front(), price_of(facts->bytes));
    };
    core->disk->walk_files(count);
    core->disk->walk_blocks(count);
    return std::unique_ptr<BlobStore>(new BlobStore(std::move(core)));
}

std::uint64_t BlobStore::bytes_used() const { return core_->usage->total(); }

namespace {

// Opens the temporary file that a writer writes to.
Awaitable<Result<std::unique_ptr<BlobWriter>>> begin(std::unique_ptr<BlobWriter::Impl> impl, async::BlockingPool& pool) {
    auto& filled = *impl;
    // First of all: its end gives its place back and takes the file away, whatever happens here.
    auto writer = std::make_unique<BlobWriter>(std::move(impl));
    SELVAGE_CO_TRY(filled.file, co_await pool.run([path = filled.temporary] { return OpenFile::create(path); }));
    co_return writer;
}

}  // namespace

Awaitable<Result<std::unique_ptr<BlobWriter>>> BlobStore::put(BlobName name, std::uint64_t bytes, bool only_new) {
    auto& core = *core_;
    SELVAGE_CO_CHECK(check_size(bytes, core.settings.file_bytes_max));
    if (core.writers >= core.settings.writers_max) co_return fail(Errc::throttled, "too many uploads at the same time");
    if (core.writers_of(name.owner) >= core.settings.owner_writers_max) {
        co_return fail(Errc::throttled, "too many uploads of this device at the same time");
    }
    SELVAGE_CO_TRY(auto room, Room::take(core.usage, name.owner, price_of(bytes)));
    ++core.writers;
    ++core.owner_writers[name.owner];
    auto impl = std::unique_ptr<BlobWriter::Impl>(
        new BlobWriter::Impl{.core = core_,
                             .owner = name.owner,
                             .target = core.disk->file_path(name),
                             .temporary = core.disk->incoming_path(++core.last_incoming),
                             .only_new = only_new,
                             .announced = bytes,
                             .room = std::move(room)});
    co_return co_await begin(std::move(impl), core.pool);
}

Awaitable<Result<std::unique_ptr<BlobWriter>>> BlobStore::put_block(BlobName name, std::string block, std::uint64_t bytes) {
    if (block.empty() || block.size() > kBlockIdBytesMax) {
        co_return fail(Errc::invalid_argument, fmt::format("a block id has 1 to {} bytes", kBlockIdBytesMax));
    }
    SELVAGE_CO_TRY(auto writer, co_await put(name, bytes, false));
    writer->impl_->target = core_->disk->block_path(name, block);
    co_return writer;
}

Awaitable<Result<BlobFacts>> BlobStore::commit(BlobName name, std::vector<std::string> blocks, bool only_new) {
    const auto core = core_;
    const auto disk = core->disk;
    auto sum = [disk, name, blocks]() -> Result<std::uint64_t> {
        std::uint64_t bytes = 0;
        for (const auto& block : blocks) {
            SELVAGE_TRY(const auto facts, blobs::facts_of(disk->block_path(name, block)));
            bytes += facts.bytes;
        }
        return bytes;
    };
    SELVAGE_CO_TRY(const auto bytes, co_await core->pool.run(std::move(sum)));
    SELVAGE_CO_CHECK(check_size(bytes, core->settings.file_bytes_max));
    SELVAGE_CO_TRY(const auto writer, co_await put(name, bytes, only_new));
    auto& impl = *writer->impl_;
    auto join = [disk, name, blocks = std::move(blocks), bytes, file = impl.file] {
        return disk->join(name, blocks, bytes, *file);
    };
    SELVAGE_CO_CHECK(co_await core->pool.run(std::move(join)));
    impl.written = bytes;
    SELVAGE_CO_TRY(auto facts, co_await writer->finish());
    auto clear = [disk, name]() -> Result<std::uint64_t> { return disk->remove_blocks(name); };
    // The file is there: blocks that stay behind are the next sweep's.
    if (const auto freed = co_await core->pool.run(std::move(clear))) core->usage->give_back(name.owner, *freed);
    co_return facts;
}

Awaitable<Result<BlobFacts>> BlobStore::facts(BlobName name) {
    co_return co_await core_->pool.run([path = core_->disk->file_path(name)] { return blobs::facts_of(path); });
}

Awaitable<Result<std::unique_ptr<BlobReader>>> BlobStore::read(BlobName name) {
    const auto core = core_;
    SELVAGE_CO_TRY(auto file, co_await core->pool.run([path = core->disk->file_path(name)] { return OpenFile::open(path); }));
    SELVAGE_CO_TRY(auto facts, file->facts());
    auto impl = std::unique_ptr<BlobReader::Impl>(new BlobReader::Impl{core, std::move(file), std::move(facts)});
    co_return std::make_unique<BlobReader>(std::move(impl));
}

Awaitable<Result<>> BlobStore::remove(BlobName name) {
    const auto core = core_;
    auto work = [disk = core->disk, path = core->disk->file_path(name)] { return disk->remove(path); };
    SELVAGE_CO_TRY(const auto freed, co_await core->pool.run(std::move(work)));
    core->usage->give_back(name.owner, freed);
    co_return Result<>{};
}

Awaitable<Result<std::vector<ListedBlob>>> BlobStore::list(std::string owner, BlobName after, std::size_t most) {
    auto work = [disk = core_->disk, owner = std::move(owner), after = std::move(after),
                 most]() -> Result<std::vector<ListedBlob>> {
        std::map<BlobName, std::string> first;  // the first `most` of them
        disk->walk_files([&](const std::vector<std::string>& names, const std::string& path) {
            BlobName name{names[0], names[1]};
            if ((!owner.empty() && name.owner != owner) || name <= after) return;
            first.emplace(std::move(name), path);
            if (first.size() > most) first.erase(std::prev(first.end()));
        });
        std::vector<ListedBlob> listed;
        for (const auto& [name, path] : first) {
            // It may have gone meanwhile.
            if (auto facts = blobs::facts_of(path)) listed.push_back({name, *std::move(facts)});
        }
        return listed;
    };
    co_return co_await core_->pool.run(std::move(work));
}

Awaitable<Result<>> BlobStore::drop_old_blocks() {
    const auto core = core_;
    const UtcTime limit = core->clock.utc_now() - core->settings.blocks_kept;
    auto work = [disk = core->disk, limit]() -> Result<std::map<std::string, std::uint64_t>> {
        std::map<std::string, std::uint64_t> freed;
        std::vector<std::pair<std::string, std::string>> old;
        disk->walk_blocks([&](const std::vector<std::string>& names, const std::string& path) {
            const auto facts = blobs::facts_of(path);
            if (facts && facts->modified < limit) old.emplace_back(names.front(), path);
        });
        for (const auto& [owner, path] : old) {
            if (const auto price = disk->remove(path)) freed[owner] += *price;
        }
        return freed;
    };
    SELVAGE_CO_TRY(const auto freed, co_await core->pool.run(std::move(work)));
    for (const auto& [owner, price] : freed)
        core->usage->give_back(owner, price);
    co_return Result<>{};
}

}  // namespace selvage::storage
