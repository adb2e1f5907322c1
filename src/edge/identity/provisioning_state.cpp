#include "edge/identity/provisioning_state.h"

#include "base/encoding.h"
#include "base/json.h"
#include "security/sas_signer.h"

namespace selvage::edge::identity {

std::string provisioning_digest(const ProvisionedAs& provisioned) {
    // The order of the members is part of the digest.
    const JsonObject object{{"device_id", provisioned.device_id},
                            {"gateway_host_name", provisioned.gateway_host},
                            {"hub_name", provisioned.hub_host}};
    return to_base64(security::sha256(to_text(object)));
}

}  // namespace selvage::edge::identity
