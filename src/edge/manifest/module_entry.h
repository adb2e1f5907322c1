// One entry under `modules` or `systemModules`. Private to this folder.
#pragma once

#include "edge/manifest/deployment.h"

namespace selvage::edge::manifest {

enum class EntryKind { edge_agent, edge_hub, module };

Result<Module> parse_module(const JsonObject& entry, std::string name, EntryKind kind, std::string_view path,
                            const Surroundings& surroundings);

// The createOptions of a `settings` object, put together from its chunks.
Result<JsonObject> parse_create_options(const JsonObject& settings, std::string_view path);

// `type` must be there and be exactly "docker".
Result<> check_docker_type(const JsonObject& entry, std::string_view path);

}  // namespace selvage::edge::manifest
