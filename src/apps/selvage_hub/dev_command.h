// `selvage-hub dev` on the command line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dev/options.h"

namespace CLI {
class App;
}

namespace selvage::apps {

// Its options as they were typed.
struct DevCommand {
    dev::Options options;
    std::string ports = "8883,5671,443";
    double interval_seconds = 5;
    std::vector<std::string> faults;
    std::string log_level = "error";

    void add_to(CLI::App& app);
    // Errors: invalid_argument; else those of dev::run. `usage`: what was typed is wrong.
    Result<> run(bool& usage);
    CLI::App* command = nullptr;
};

}  // namespace selvage::apps
