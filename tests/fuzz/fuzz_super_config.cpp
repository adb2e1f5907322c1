// A device's configuration file. Input: its text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "edge/config/super_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = edge::config::parse_super_config(text, "machine");
    if (!config) {
        SELVAGE_ASSERT(!config.error().detail.empty());
        return 0;
    }
    SELVAGE_ASSERT(config->provisioning.key_bytes.empty() != config->provisioning.key_path.empty());
    SELVAGE_ASSERT(!config->provisioning.device_id.empty() && !config->agent.image.empty());
    SELVAGE_ASSERT(config->listen_management_path.size() <= 107);
    return 0;
}
