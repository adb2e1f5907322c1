// The uploads that devices have under way: a place for each, until the device says how it went or its time is over.
//
// Runs on: the hub's loop. An upload is in the store from begin_upload() on, so that it can be ended after a restart.
// Bounded: `pending_max` for a device. What is over its time is remembered for as long again, to be told apart from what
// never was. Wire: docs/wire/file-upload.md.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "async/time_source.h"
#include "base/random.h"
#include "cloud/files/notifications.h"
#include "hub_api/files.h"
#include "storage/blobs/blob_store.h"
#include "storage/registry_store.h"
#include "storage/state_store.h"

namespace selvage::cloud::files {

// The one container; also the first part of the path at which files are served.
inline constexpr std::string_view kContainer = "uploads";

struct UploadSettings {
    std::string host_name;
    std::chrono::minutes lifetime{60};
    std::size_t pending_max = 10;
};

class Uploads final : public hub_api::FileUploads {
public:
    struct Stores {
        storage::StateStore& state;
        storage::RegistryStore& registry;
        storage::BlobStore& blobs;
    };
    // `key` signs; a secret.
    Uploads(async::TimeSource& time, Random& random, Stores stores, FileNotifications& notifications, std::string key,
            UploadSettings settings)
        : time_(time),
          random_(random),
          stores_(stores),
          notifications_(notifications),
          key_(std::move(key)),
          settings_(std::move(settings)) {}

    // Before all others. Errors: those of the store.
    Awaitable<Result<>> load();

    Awaitable<Result<hub_api::UploadPlace>> begin_upload(std::string device, std::string name) override;
    Awaitable<Result<>> end_upload(std::string device, hub_api::UploadOutcome outcome) override;

private:
    struct Upload {
        std::string blob;
        UtcTime expires{};
    };
    using Key = std::pair<std::string, std::string>;  // device and correlation id
    using Pending = std::map<Key, Upload>;
    // How many of the device's are not over; forgets those that have long been.
    Awaitable<Result<std::size_t>> count_of(std::string device);
    Awaitable<Result<>> finish(std::string device, Upload upload);

    async::TimeSource& time_;
    Random& random_;
    Stores stores_;
    FileNotifications& notifications_;
    std::string key_;
    UploadSettings settings_;
    Pending pending_;
};

}  // namespace selvage::cloud::files
