// A selvage-hub: its stores, its object graph, its listeners.
//
//   SELVAGE_TRY(auto stores, CloudStores::open(...));
//   CloudProcess hub(around, settings, std::move(stores), policies);
//   co_await hub.start(certificate, where);      // listens when this returns
//   co_await hub.stop();
//
// Runs on: the loop given.
#pragma once

#include <memory>
#include <vector>

#include "assembly/surroundings.h"
#include "cloud/data_folder/data_folder.h"
#include "cloud/registry/registry.h"
#include "cloud/telemetry/event_log.h"
#include "cloud/twins/twins.h"
#include "storage/blobs/blob_store.h"
#include "storage/mailbox_store.h"
#include "storage/registry_store.h"
#include "storage/state_store.h"

namespace selvage::assembly {

// The stores of one data folder.
struct CloudStores {
    std::unique_ptr<storage::MessageLog> events;
    std::unique_ptr<storage::RegistryStore> registry;
    std::unique_ptr<storage::StateStore> state;
    std::unique_ptr<storage::MailboxStore> mailboxes;
    std::unique_ptr<storage::BlobStore> files;  // null: this hub takes no files
    std::string files_key;                      // a secret

    // Blocks (start-up). In an order that makes a second process stop at the first: the log is locked. Errors:
    // already_exists (in use by another hub), io_error, corrupt.
    static Result<CloudStores> open(const Surroundings& around, const cloud::data_folder::DataFolder& folder,
                                    const cloud::data_folder::HubSettings& settings);
    async::Awaitable<> stop();
};

class CloudProcess {
public:
    CloudProcess(Surroundings around, cloud::data_folder::HubSettings settings, CloudStores stores,
                 std::vector<cloud::data_folder::Policy> policies);
    ~CloudProcess();

    // Errors: io_error (a port, with ListenAt::advice), malformed (the certificate), those of the stores.
    // After an error stop() is still to be called.
    async::Awaitable<Result<>> start(cloud::data_folder::ServerCertificate certificate, ListenAt where);
    // Closes every connection, then the stores.
    async::Awaitable<> stop();

    // With the ports that were bound; after start().
    ListenAt listening_at() const;

    // For whoever is in the same process; until stop() begins.
    cloud::registry::Registry& registry();
    cloud::twins::Twins& twins();
    cloud::telemetry::EventLog& events();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace selvage::assembly
