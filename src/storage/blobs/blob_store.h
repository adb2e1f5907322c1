// Files that others upload, on disk: written to a temporary file, synced, and renamed into place.
//
//   auto writer = co_await blobs.put({"d1", "log.txt"}, 5, false);
//   co_await (*writer)->write("hello");
//   co_await (*writer)->finish();            // after a crash the whole file is there, or what was there before
//
// A file may also come in blocks, in any order and by several connections: commit() joins them. Names are no paths: they are
// encoded (blob_path.h), so that none of them leaves its folder. In `folder`:
//   files/OWNER/NAME       the files
//   blocks/OWNER/NAME/ID   blocks that wait for their commit; dropped when they are older than `blocks_kept`
//   incoming/              what is being written; emptied at start
//
// Runs on: one loop; the disk's work is done on threads of its own. Bounded by the settings: the size of a file, of all that
// an owner has and of all there is (waiting blocks and announced bytes count), how many are being written at once, by all and
// by one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"

namespace selvage::storage {

using async::Awaitable;

struct BlobSettings {
    std::string folder;
    bool durable = true;                            // survives a power cut; otherwise the end of this process
    std::uint64_t file_bytes_max = 1ull << 30;
    std::uint64_t owner_bytes_max = 4ull << 30;
    std::uint64_t total_bytes_max = 16ull << 30;
    std::size_t writers_max = 256;
    std::size_t owner_writers_max = 64;             // so that one that is slow on purpose does not keep all others out
    std::chrono::hours blocks_kept{24};
};

// Both texts of any bytes but none empty; `name` may have slashes.
struct BlobName {
    std::string owner;
    std::string name;
    auto operator<=>(const BlobName&) const = default;
};

struct BlobFacts {
    std::uint64_t bytes = 0;
    UtcTime modified{};
    std::string etag;                               // another one after every change
};

struct ListedBlob {
    BlobName name;
    BlobFacts facts;
};

class BlobStore;

// Destroyed before finish(): nothing has happened.
class BlobWriter {
public:
    struct Impl;
    explicit BlobWriter(std::unique_ptr<Impl> impl);
    ~BlobWriter();
    // Errors: malformed (more than announced), quota_exceeded (the disk is full), io_error, throttled.
    Awaitable<Result<>> write(std::string part);
    // Errors: malformed (less than announced), already_exists, and those of write().
    Awaitable<Result<BlobFacts>> finish();

private:
    friend class BlobStore;
    std::unique_ptr<Impl> impl_;
};

class BlobReader {
public:
    struct Impl;
    explicit BlobReader(std::unique_ptr<Impl> impl);
    ~BlobReader();
    const BlobFacts& facts() const;
    // The next part; empty at the end. Errors: io_error, throttled.
    Awaitable<Result<std::string>> read();

private:
    std::unique_ptr<Impl> impl_;
};

class BlobStore {
public:
    struct Core;
    // Blocks: at start-up. Makes the folder. Errors: io_error.
    static Result<std::unique_ptr<BlobStore>> open(const Clock& clock, BlobSettings settings);
    ~BlobStore();

    // `bytes` are to come. Errors: message_too_large, quota_exceeded, throttled (writers_max, owner_writers_max), io_error.
    Awaitable<Result<std::unique_ptr<BlobWriter>>> put(BlobName name, std::uint64_t bytes, bool only_new);
    // `block` is an id of 1 to 64 bytes; one of that id is replaced. Errors: as put(), invalid_argument.
    Awaitable<Result<std::unique_ptr<BlobWriter>>> put_block(BlobName name, std::string block, std::uint64_t bytes);
    // Makes the file of these blocks; all blocks of the name are gone then. Errors: not_found (a block is missing),
    // already_exists, message_too_large, quota_exceeded, throttled, io_error.
    Awaitable<Result<BlobFacts>> commit(BlobName name, std::vector<std::string> blocks, bool only_new);

    // Errors: not_found, io_error.
    Awaitable<Result<BlobFacts>> facts(BlobName name);
    Awaitable<Result<std::unique_ptr<BlobReader>>> read(BlobName name);
    Awaitable<Result<>> remove(BlobName name);
    // By owner and name, from behind `after` on; of one owner unless that is empty.
    Awaitable<Result<std::vector<ListedBlob>>> list(std::string owner, BlobName after, std::size_t most);

    Awaitable<Result<>> drop_old_blocks();

    // What counts against total_bytes_max.
    std::uint64_t bytes_used() const;

private:
    explicit BlobStore(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_;
};

}  // namespace selvage::storage
