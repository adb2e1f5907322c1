// A ModuleSpec as the engine's container create body, and the small texts around it. Pure.
//
// Wire: docs/wire/docker-engine.md#create.
#pragma once

#include <string>

#include "base/json.h"
#include "edge/management/module_spec.h"

namespace selvage::edge::runtime {

// create_options with Image, Env and Labels set. Env: the spec's, overlaid by createOptions.Env, sorted by name. Labels: the
// owner and the image's name are always ours. Without `allow_elevated`: Privileged and CapAdd are taken out and CHOWN and
// SETUID dropped.
JsonObject container_body(const management::ModuleSpec& spec, bool allow_elevated);

// The image with ":latest" when it has neither tag nor digest: older engines would fetch every tag.
std::string image_to_pull(std::string_view image);

// The X-Registry-Auth header: base64url of the JSON, with padding; empty without credentials. Secret.
std::string registry_auth_header(const JsonObject& auth);

}  // namespace selvage::edge::runtime
