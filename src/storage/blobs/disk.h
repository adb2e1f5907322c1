// What the store does on the disk. Private to the room. All of it blocks: for the store's threads and for start-up.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "storage/blobs/blob_store.h"

namespace selvage::storage::blobs {

// An open file; closed when it goes.
class OpenFile {
public:
    // Errors: not_found, io_error.
    static Result<std::shared_ptr<OpenFile>> open(const std::string& path);
    static Result<std::shared_ptr<OpenFile>> create(const std::string& path);
    explicit OpenFile(int fd) : fd_(fd) {}
    ~OpenFile();
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    Result<> write(std::string_view bytes);
    // Up to `most` bytes; empty at the end.
    Result<std::string> read(std::size_t most);
    Result<> append(OpenFile& other);
    // Gives it its time and, when `durable`, brings it to the disk.
    Result<> seal(UtcTime now, bool durable);
    Result<BlobFacts> facts() const;

private:
    int fd_;
};

// The folder tree of one store. Its changes follow one another, so that sizes found are sizes freed.
class Disk {
public:
    Disk(std::string folder, bool durable) : folder_(std::move(folder)), durable_(durable) {}

    std::string file_path(const BlobName& name) const;
    std::string blocks_path(const BlobName& name) const;
    std::string block_path(const BlobName& name, const std::string& block) const;
    std::string incoming_path(std::uint64_t number) const;
    bool durable() const { return durable_; }

    // Makes the folders and empties incoming/.
    Result<> prepare();

    // Renames a sealed file to its place. Gives the price of what was there before. Errors: already_exists, io_error.
    Result<std::uint64_t> install(const std::string& from, const std::string& to, bool only_new);
    // Unlinks; gives the price of what was there. Errors: not_found, io_error.
    Result<std::uint64_t> remove(const std::string& path);
    // Appends these blocks, which have `bytes` together. Errors: not_found (also: one was replaced by another since they were
    // counted; no more than `bytes` is written), quota_exceeded (the disk is full), io_error.
    Result<> join(const BlobName& name, const std::vector<std::string>& blocks, std::uint64_t bytes, OpenFile& into) const;
    // All blocks of a name. Gives their price.
    std::uint64_t remove_blocks(const BlobName& name);
    std::uint64_t price_of_blocks(const BlobName& name) const;

    // Calls for every file (or waiting block: `names` has its id as the third) until that returns false.
    using Seen = std::function<void(const std::vector<std::string>& names, const std::string& path)>;
    void walk_files(const Seen& seen) const { walk(folder_ + "/files", 2, seen); }
    void walk_blocks(const Seen& seen) const { walk(folder_ + "/blocks", 3, seen); }

private:
    void walk(const std::string& root, std::size_t names, const Seen& seen) const;
    // With every folder's entry on the disk.
    Result<> make_folders_for(const std::string& path);
    // Those that `path` stood in and that nothing is in any more.
    void remove_folders_of(const std::string& path) const;

    std::string folder_;
    bool durable_;
    std::mutex changing_;
};

// Errors: not_found, io_error.
Result<BlobFacts> facts_of(const std::string& path);

}  // namespace selvage::storage::blobs
