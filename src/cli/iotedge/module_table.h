// The table of `iotedge list`. Pure. Format: docs/wire/cli.md.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "edge/management/module_details.h"

namespace selvage::cli {

// How long something took, in the words of Azure's command: exact up to 20 seconds, then "2 minutes", "an hour", "3 weeks".
std::string age_text(std::chrono::seconds age);

// "Up 2 minutes", "Failed (139) 3 hours ago", "Stopped".
std::string description_text(const edge::management::ModuleDetails& module, UtcTime now);

// Header and one line a module, sorted by name.
std::string module_table(std::vector<edge::management::ModuleDetails> modules, UtcTime now);

}  // namespace selvage::cli
