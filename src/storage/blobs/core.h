// What a store's writers and readers share with it, so that they may outlive it. Private to the room.
//
// The disk's work holds no more than what it needs of this, never the whole: its threads end with it. Runs on: the store's
// loop.
#pragma once

#include <map>

#include "async/blocking_pool.h"
#include "storage/blobs/blob_store.h"
#include "storage/blobs/disk.h"
#include "storage/blobs/usage.h"

namespace selvage::storage {

struct BlobStore::Core {
    Core(const Clock& its_clock, BlobSettings given)
        : clock(its_clock),
          settings(std::move(given)),
          disk(std::make_shared<blobs::Disk>(settings.folder, settings.durable)),
          usage(std::make_shared<blobs::Usage>(settings.owner_bytes_max, settings.total_bytes_max)),
          pool("blobs", 2) {}

    std::size_t writers_of(const std::string& owner) const {
        const auto found = owner_writers.find(owner);
        return found == owner_writers.end() ? 0 : found->second;
    }
    void end_writer(const std::string& owner) {
        --writers;
        const auto found = owner_writers.find(owner);
        if (--found->second == 0) owner_writers.erase(found);
    }

    const Clock& clock;
    BlobSettings settings;
    std::shared_ptr<blobs::Disk> disk;
    std::shared_ptr<blobs::Usage> usage;
    std::size_t writers = 0;
    std::map<std::string, std::size_t> owner_writers;  // of those who have any
    std::uint64_t last_incoming = 0;
    async::BlockingPool pool;
};

struct BlobWriter::Impl {
    std::shared_ptr<BlobStore::Core> core;
    std::string owner;
    std::string target;                         // where finish() puts it
    std::string temporary;
    bool only_new = false;
    std::uint64_t announced = 0;
    std::uint64_t written = 0;
    std::string gathered = {};                  // not given to the disk yet
    std::shared_ptr<blobs::OpenFile> file = {};
    blobs::Room room;
    bool installed = false;
};

struct BlobReader::Impl {
    std::shared_ptr<BlobStore::Core> core;
    std::shared_ptr<blobs::OpenFile> file;
    BlobFacts facts;
};

}  // namespace selvage::storage
