// The engine's answer to a pull: JSON documents one after the other, of which the last may say that it failed. Sans-I/O.
//
// Wire: docs/wire/docker-engine.md#pull.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::edge::runtime {

class PullProgress {
public:
    // Documents end with a line feed; parts may be cut anywhere. A line over 64 KiB is skipped.
    void feed(std::string_view part);
    // After the last part. Errors: what `errorDetail` says, as internal.
    Result<> finish();

private:
    void read_line();
    std::string line_;
    bool overlong_ = false;
    std::string error_;
};

}  // namespace selvage::edge::runtime
