// Finds the daemon that runs here, and makes it read its configuration again. Blocks for moments.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "edge/config/apply.h"

namespace selvage::cli {

// The process id in the home's pid file, if that process lives and is a selvaged.
std::optional<int> daemon_process(const edge::config::Home& home);

// systemd runs this machine and knows the daemon's unit.
bool is_systemd_service();

// `systemctl <action> selvaged.service`; what it printed. Errors: unavailable, with its words.
Result<std::string> systemctl(const char* action);

// SIGHUP. Errors: io_error.
Result<> reload_daemon(int pid);

}  // namespace selvage::cli
