// The file in a hub's data folder that tells command lines on the same machine where the hub listens: there while it runs.
//
// A disk that is full does not stop a hub, whose devices need no such file: it is written as soon as there is room.
//
// Runs on: the loop given; the writes block it, a few bytes each. stop() before it is destroyed.
#pragma once

#include <string>

#include "async/task_group.h"
#include "async/time_source.h"
#include "cloud/data_folder/data_folder.h"

namespace selvage::assembly {

class ListeningFile {
public:
    ListeningFile(async::Executor loop, async::TimeSource& time, cloud::data_folder::DataFolder folder)
        : time_(time), folder_(std::move(folder)), tasks_(std::move(loop)) {}

    // Writes it, and what could not be written every two seconds again. Once.
    void write(cloud::data_folder::ListeningAt where);
    // Takes it away.
    async::Awaitable<> stop();

private:
    async::Awaitable<> write_later(cloud::data_folder::ListeningAt where);
    // Also what an earlier process left, whose ports are others.
    void remove() const;

    async::TimeSource& time_;
    cloud::data_folder::DataFolder folder_;
    async::TaskGroup tasks_;
};

}  // namespace selvage::assembly
