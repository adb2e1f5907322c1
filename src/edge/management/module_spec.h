// What a module should be: the management API's ModuleSpec, shared by daemon, edgeAgent and command line.
//
// Values; safe from any thread. Wire: docs/wire/management-api.md#modulespec.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace selvage::edge::management {

enum class ImagePullPolicy { on_create, never };

// `on-create` or `never` in any case; empty is on-create. Errors: invalid_argument ("invalid imagePullPolicy").
Result<ImagePullPolicy> parse_image_pull_policy(std::string_view text);
// "on-create", "never".
std::string_view name(ImagePullPolicy policy);

struct ModuleSpec {
    std::string name{};
    std::string type = "docker";
    ImagePullPolicy image_pull_policy = ImagePullPolicy::on_create;

    std::string image{};
    std::string digest{};                // empty: absent
    // The engine's container create body, passed through untouched but for what the daemon sets.
    JsonObject create_options{};
    // username, password, serveraddress, … for the registry; empty: anonymous. Secret: never logged, never echoed.
    JsonObject registry_auth{};

    // Names are unique. create_options.Env wins over an equal name here.
    std::vector<std::pair<std::string, std::string>> env{};
};

// The request body of POST and PUT /modules and of prepareupdate, with registry_auth.
JsonObject to_json(const ModuleSpec& spec);
// `config` alone, without registry_auth: what answers echo.
JsonObject config_to_json(const ModuleSpec& spec);

// Unknown members are ignored. Errors: malformed (a required member is missing or of another type: 422 on the wire);
// invalid_argument (400: blank name or type, "invalid Docker config: …", "duplicate env var key: K", bad pull policy).
Result<ModuleSpec> parse_module_spec(const Json& body);

}  // namespace selvage::edge::management
