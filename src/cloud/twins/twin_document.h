// A twin as the service API shows it, and the patch that a connected client gets when desired properties change.
//
// Pure. Wire: docs/wire/service-rest.md#twins.
#pragma once

#include "cloud/sessions/identity_facts.h"
#include "domain/twin.h"
#include "storage/registry_store.h"

namespace selvage::cloud::twins {

// `module` null: the twin of the device itself.
JsonObject service_twin(const storage::DeviceRecord& device, const storage::ModuleRecord* module,
                        const domain::Twin& twin, const sessions::Facts& facts);

// For a replaced section: the whole new document, with a null for each member that went. A client that merges it and
// one that takes it for the whole document both end at `to`.
JsonObject replacement_patch(const JsonObject& from, const JsonObject& to);

// JSON text of a patch with its $version, as it goes to clients.
std::string patch_text(JsonObject patch, std::int64_t version);

}  // namespace selvage::cloud::twins
