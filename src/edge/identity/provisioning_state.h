// Which device this daemon was when it created its containers. Pure. Wire: docs/wire/workload-api.md#provisioning-state.
#pragma once

#include <string>

namespace selvage::edge::identity {

struct ProvisionedAs {
    std::string device_id;
    std::string gateway_host;
    std::string hub_host;
};

// base64(SHA-256) of a JSON text of the three; containers of another one are removed.
std::string provisioning_digest(const ProvisionedAs& provisioned);

}  // namespace selvage::edge::identity
