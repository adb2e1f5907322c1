// The two TOML files of a data folder as text.
#pragma once

#include <string>
#include <vector>

#include "cloud/data_folder/data_folder.h"

namespace selvage::cloud::data_folder {

// With a comment for each setting: it is what an operator reads first.
std::string settings_text(const HubSettings& settings);
std::string policies_text(const std::vector<Policy>& policies);
// Errors: malformed, invalid_argument; never with a key in the text.
Result<std::vector<Policy>> parse_policies(const std::string& toml);

}  // namespace selvage::cloud::data_folder
