// The container of uploaded files, as the storage endpoint and operators see it.
//
// Runs on: the hub's loop. Wire: docs/wire/file-upload.md#storage.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task_group.h"
#include "async/time_source.h"
#include "hub_api/files.h"
#include "storage/blobs/blob_store.h"
#include "storage/registry_store.h"

namespace selvage::cloud::files {

using async::Awaitable;

struct StoredFile {
    std::string blob;                 // "d1/log.txt"
    hub_api::FileFacts facts;
};

class Container final : public hub_api::FileStorage {
public:
    // `key` is that of Uploads; a secret.
    Container(async::Executor loop, async::TimeSource& time, storage::BlobStore& blobs, storage::RegistryStore& registry,
              std::string key, std::uint64_t file_bytes_max);

    // Begins to take away blocks that nobody commits.
    void start();
    Awaitable<> stop();

    std::string_view container() const override;
    std::uint64_t file_bytes_max() const override { return file_bytes_max_; }
    Awaitable<Result<>> check(std::string blob, hub_api::FilePass pass, hub_api::FileAccess access) override;
    Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> put(std::string blob, std::uint64_t bytes, bool only_new) override;
    Awaitable<Result<std::unique_ptr<hub_api::IncomingFile>>> put_block(std::string blob, std::string block,
                                                                        std::uint64_t bytes) override;
    Awaitable<Result<hub_api::FileFacts>> put_blocks(std::string blob, std::vector<std::string> blocks, bool only_new) override;
    Awaitable<Result<hub_api::FileFacts>> facts(std::string blob) override;
    Awaitable<Result<std::unique_ptr<hub_api::OutgoingFile>>> get(std::string blob) override;

    // ---- for operators ----
    // Those of one device, or all; in order, from behind `after` ("d1/x"; empty: from the start) on.
    Awaitable<Result<std::vector<StoredFile>>> list(std::string device, std::string after, std::size_t most);
    // Errors: not_found, io_error.
    Awaitable<Result<>> remove(std::string blob);

private:
    Awaitable<> sweep();

    async::TimeSource& time_;
    storage::BlobStore& blobs_;
    storage::RegistryStore& registry_;
    std::string key_;
    std::uint64_t file_bytes_max_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::cloud::files
