// Says who a caller is and what it may do: devices and modules by key, certificate or policy; back ends by policy; edge
// hubs on behalf of those below them.
//
// Runs on: the hub's loop; records are read from the registry's store. Never logs or returns a token or key. To a
// caller every refusal looks alike (the head's table decides); the detail is for the hub's log. Wire:
// docs/wire/service-rest.md#tokens, docs/wire/sas.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cloud/authorities/authorities.h"
#include "cloud/data_folder/policy.h"
#include "codec/sas/sas_token.h"
#include "hub_api/hub.h"
#include "storage/registry_store.h"

namespace selvage::cloud::auth {

using async::Awaitable;

// Who stands behind an HTTP request: a policy, or a device or module with its own credentials.
struct Caller {
    data_folder::Permissions permissions = 0;
    std::optional<domain::Identity> identity;
    bool may(data_folder::Permissions wanted) const { return (permissions & wanted) == wanted; }
};

struct RequestCredentials {
    std::string authorization;                       // the header's value; may be empty
    std::vector<std::string> certificate_chain_pem;  // from TLS; leaf first
    std::string path;                                // of the request, decoded, without the query: "/devices/d1"
    // Whom the path speaks for: the identity that a certificate must belong to. Without one only tokens count.
    std::optional<domain::Identity> path_identity;
};

class Authenticator {
public:
    Authenticator(storage::RegistryStore& store, const authorities::Authorities& authorities, const Clock& clock,
                  std::string host_name, std::vector<data_folder::Policy> policies);

    // For connections of devices and modules. Errors: unauthorized, device_disabled, device_not_found,
    // module_not_found, forbidden (not in scope of the actor).
    Awaitable<Result<hub_api::Grant>> authenticate(hub_api::Credentials credentials);

    // For HTTP requests. Errors: as above.
    Awaitable<Result<Caller>> authenticate_request(RequestCredentials credentials);

    // "target;…;actor": each member exists, is enabled and has the next one as its parent; parents are edge devices.
    // Errors: invalid_argument (form), forbidden, device_disabled, device_not_found, module_not_found.
    Awaitable<Result<std::vector<std::string>>> check_chain(std::string chain);

private:
    // An identity as the registry has it: its device, its own keys and its generation.
    struct Member {
        storage::DeviceRecord device;
        storage::Authentication authentication;
        std::string generation_id;
    };
    Awaitable<Result<Member>> load(domain::Identity identity);
    Awaitable<Result<hub_api::Grant>> by_own_credentials(hub_api::Credentials credentials);
    Awaitable<Result<hub_api::Grant>> on_behalf(hub_api::Credentials credentials);
    Awaitable<Result<hub_api::Grant>> by_policy(domain::Identity identity, codec::SasToken token);
    Result<const data_folder::Policy*> check_policy_token(const codec::SasToken& token, std::string_view path) const;
    Result<codec::SasToken> parse_live_token(std::string_view text) const;
    Result<> check_own_token(const codec::SasToken& token, const domain::Identity& identity,
                             const Member& member) const;

    storage::RegistryStore& store_;
    const authorities::Authorities& authorities_;
    const Clock& clock_;
    std::string host_name_;
    std::vector<data_folder::Policy> policies_;
};

}  // namespace selvage::cloud::auth
