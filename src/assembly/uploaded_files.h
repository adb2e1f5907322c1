// A hub's part for uploaded files: places and notifications, the container, and the endpoint that storage clients talk to.
//
// Runs on: the hub's loop.
#pragma once

#include <string>

#include "assembly/surroundings.h"
#include "cloud/data_folder/data_folder.h"
#include "cloud/files/container.h"
#include "cloud/files/notifications.h"
#include "cloud/files/uploads.h"
#include "heads/blob/blob_head.h"

namespace selvage::assembly {

// Blocks (start-up). Errors: io_error.
Result<std::unique_ptr<storage::BlobStore>> open_blobs(const Surroundings& around, const cloud::data_folder::DataFolder& folder,
                                                       const cloud::data_folder::HubSettings& settings);

struct UploadedFiles {
    UploadedFiles(const Surroundings& around, const cloud::data_folder::HubSettings& settings,
                  cloud::files::Uploads::Stores stores, const std::string& key);

    // Errors: those of the stores.
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop() { return container.stop(); }

    cloud::files::FileNotifications notifications;
    cloud::files::Uploads uploads;
    cloud::files::Container container;
    heads::blob::BlobHead head;
};

}  // namespace selvage::assembly
