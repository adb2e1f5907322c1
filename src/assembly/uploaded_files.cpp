#include "assembly/uploaded_files.h"

namespace selvage::assembly {

using cloud::data_folder::HubSettings;

namespace {

constexpr std::uint64_t kMegabyte = 1 << 20;

}  // namespace

Result<std::unique_ptr<storage::BlobStore>> open_blobs(const Surroundings& around, const cloud::data_folder::DataFolder& folder,
                                                       const HubSettings& settings) {
    return storage::BlobStore::open(around.time, {.folder = folder.files(),
                                                  .durable = settings.durable_against_power_loss,
                                                  .file_bytes_max = settings.file_megabytes_max * kMegabyte,
                                                  .owner_bytes_max = settings.device_megabytes_max * kMegabyte,
                                                  .total_bytes_max = settings.files_megabytes_max * kMegabyte});
}

UploadedFiles::UploadedFiles(const Surroundings& around, const HubSettings& settings, cloud::files::Uploads::Stores stores,
                             const std::string& key)
    : notifications(around.time, around.random, stores.state, {.enabled = settings.file_notifications}),
      uploads(around.time, around.random, stores, notifications, key,
              {.host_name = settings.host_name,
               .lifetime = settings.upload_lifetime,
               .pending_max = settings.uploads_per_device_max}),
      container(around.loop, around.time, stores.blobs, stores.registry, key, settings.file_megabytes_max * kMegabyte),
      head(container, around.time, around.random) {}

async::Awaitable<Result<>> UploadedFiles::start() {
    SELVAGE_CO_CHECK(co_await notifications.load());
    SELVAGE_CO_CHECK(co_await uploads.load());
    container.start();
    co_return Result<>{};
}

}  // namespace selvage::assembly
