// Shows a running container another file at a place where it has one mounted. Needs root and Linux 5.2.
//
// Why: a bind mount of a socket file keeps the file of that moment. After the daemon has bound its socket anew the container
// would hold a dead one until it is restarted, and its modules could no longer sign their tokens.
#pragma once

#include <string>

#include "base/result.h"

namespace selvage::edge::runtime {

// Puts `host_path` of this machine over `inside`, a mount point in the mount namespace of process `pid`, in place of what is
// mounted there. Nothing happens when the container sees that file already. Blocks for moments.
// Errors: unsupported, with the step that the system refused.
Result<> refresh_file_mount(int pid, const std::string& host_path, const std::string& inside);

}  // namespace selvage::edge::runtime
