// A message log that refuses appends while it is told to; everything else goes on.
//
// Runs on: the log's loop.
#pragma once

#include <memory>
#include <optional>

#include "storage/log/message_log.h"

namespace selvage::dev {

// Shared by the logs that refuse together. Empty: they take what comes.
using Refusal = std::shared_ptr<std::optional<Error>>;

std::unique_ptr<storage::MessageLog> refusing(std::unique_ptr<storage::MessageLog> log, async::Executor loop, Refusal refusal);

}  // namespace selvage::dev
