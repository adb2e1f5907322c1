// Environment variables as the reference reads them: names in any case, `__` and `:` both separate levels.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace selvage::edge::hub {

class Variables {
public:
    explicit Variables(const std::vector<std::pair<std::string, std::string>>& environment);

    // Empty when unset.
    std::string text(std::string_view name, std::string_view otherwise = {}) const;
    // Errors of the others: invalid_argument, naming variable and value.
    Result<std::int64_t> number(std::string_view name, std::int64_t otherwise, std::int64_t min, std::int64_t max) const;
    Result<bool> flag(std::string_view name, bool otherwise) const;
    // "hh:mm:ss", as .NET writes durations, or whole seconds.
    Result<std::chrono::seconds> duration(std::string_view name, std::chrono::seconds otherwise) const;
    Result<std::chrono::seconds> seconds(std::string_view name, std::chrono::seconds otherwise) const;

private:
    std::map<std::string, std::string> values_;    // by lower-case name with ':'
};

}  // namespace selvage::edge::hub
