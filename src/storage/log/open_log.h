// MessageLog::open with another disk under it. For tests.
#pragma once

#include <memory>

#include "storage/log/message_log.h"
#include "storage/log/segment/disk.h"

namespace selvage::storage {

Result<std::unique_ptr<MessageLog>> open_log(async::Executor loop, const Clock& clock, LogSettings settings,
                                             std::shared_ptr<segment::Disk> disk);

}  // namespace selvage::storage
