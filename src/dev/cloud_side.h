// The cloud hub of a developer's system: made if it is new, started, restarted on the same stores and ports, stopped.
//
// Runs on: the loop. stop() is to be called after a start() that was tried.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "assembly/cloud_process.h"
#include "assembly/listening_file.h"
#include "dev/folder.h"
#include "dev/telemetry_view.h"

namespace selvage::dev {

class CloudSide {
public:
    // `modules_max`: identities that one device may have. `view` follows the telemetry whenever the hub runs.
    CloudSide(assembly::Surroundings around, const Folder& folder, assembly::ListenAt where, std::size_t modules_max,
              TelemetryView& view);

    // Errors: io_error (a port or file), already_exists (the folder is in use), invalid_argument (the folder is another address's).
    async::Awaitable<Result<>> start();
    async::Awaitable<> stop();
    // Down and up again. Must not be cancelled.
    async::Awaitable<Result<>> restart();

    const assembly::ListenAt& listening_at() const { return where_; }
    assembly::CloudProcess& process() { return *process_; }
    // The policy that may do everything, as a connection string; after start().
    const std::string& owner() const { return owner_; }

private:
    Result<cloud::data_folder::HubSettings> settings() const;

    assembly::Surroundings around_;
    const Folder& folder_;
    assembly::ListenAt where_;
    std::size_t modules_max_;
    TelemetryView& view_;
    std::string owner_;
    std::unique_ptr<assembly::CloudProcess> process_;
    std::unique_ptr<assembly::ListeningFile> listening_;
};

}  // namespace selvage::dev
