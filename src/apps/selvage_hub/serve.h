// Runs a hub from its data folder: opens the stores, builds the hub, listens, and ends it cleanly on SIGTERM.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cloud/data_folder/data_folder.h"

namespace selvage::apps {

struct ServeOptions {
    cloud::data_folder::DataFolder folder;
    std::optional<std::string> listen_address;
    std::optional<std::uint16_t> mqtt_port;
    std::optional<std::uint16_t> amqp_port;
    std::optional<std::uint16_t> https_port;
};

// Makes the stores of a new hub, empty, so that its first start is as quick as any other. Errors: io_error.
Result<> make_stores(const cloud::data_folder::DataFolder& folder);

// Returns after a stop signal. Errors: what kept the hub from running, with what to do about it.
Result<> serve(const ServeOptions& options);

}  // namespace selvage::apps
