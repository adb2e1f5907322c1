#include "base/encoding.h"
#include "edge/workload/workload_client.h"

namespace selvage::edge {
namespace {

// Wire: docs/wire/workload-api.md#environment.
constexpr const char* kOldestApiVersion = "2018-06-28";

struct Variable {
    const char* name;
    std::string ModuleEnvironment::*field;
    bool required;
};

constexpr Variable kVariables[] = {
    {"IOTEDGE_WORKLOADURI", &ModuleEnvironment::workload_uri, true},
    {"IOTEDGE_MANAGEMENTURI", &ModuleEnvironment::management_uri, false},
    {"IOTEDGE_APIVERSION", &ModuleEnvironment::api_version, false},
    {"IOTEDGE_IOTHUBHOSTNAME", &ModuleEnvironment::iothub_host, true},
    {"IOTEDGE_GATEWAYHOSTNAME", &ModuleEnvironment::gateway_host, false},
    {"EdgeDeviceHostName", &ModuleEnvironment::edge_device_host, false},
    {"IOTEDGE_DEVICEID", &ModuleEnvironment::device_id, true},
    {"IOTEDGE_MODULEID", &ModuleEnvironment::module_id, true},
    {"IOTEDGE_MODULEGENERATIONID", &ModuleEnvironment::generation_id, true},
};

}  // namespace

Result<ModuleEnvironment> read_module_environment(const std::function<const char*(const char*)>& get) {
    ModuleEnvironment environment;
    for (const auto& variable : kVariables) {
        const char* value = get(variable.name);
        if (value != nullptr) environment.*variable.field = value;
        if (variable.required && (environment.*variable.field).empty())
            return fail(Errc::invalid_argument, "the environment variable " + std::string(variable.name) +
                                                    " is not set: modules are started by the IoT Edge runtime, which sets it");
    }
    if (environment.api_version.empty()) environment.api_version = kOldestApiVersion;
    const char* scheme = get("IOTEDGE_AUTHSCHEME");
    if (scheme != nullptr && *scheme != '\0' && !equals_ignoring_case(scheme, "sasToken"))
        return fail(Errc::invalid_argument, "IOTEDGE_AUTHSCHEME is '" + std::string(scheme) + "'; only sasToken is known");
    return environment;
}

}  // namespace selvage::edge
