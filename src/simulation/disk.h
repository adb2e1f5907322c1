// One machine's disk: a folder for the stores, the time that work on it takes, and what can go wrong with it.
//
// As segment::Disk it sees every write and sync of the message log, so it knows what a power cut would lose. As Worker it does
// the stores' blocking work on the loop, one piece after the other, each a while after it was asked for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/worker.h"
#include "base/random.h"
#include "simulation/schedule.h"
#include "simulation/trace.h"
#include "storage/log/segment/disk.h"

namespace selvage::simulation {

class Disk final : public storage::segment::Disk {
public:
    Disk(Schedule& schedule, Trace& trace, std::string name, std::string folder, std::uint64_t seed);

    const std::string& folder() const { return folder_; }
    std::shared_ptr<async::Worker> worker() const { return worker_; }

    // ---- faults ----
    void set_lying(bool lying) { lying_ = lying; }              // syncs report success and do nothing
    void set_full(bool full) { full_ = full; }
    bool full() const { return full_; }
    void set_failing(bool failing) { failing_ = failing; }      // syncs report an error
    void set_unwritable(bool unwritable) { unwritable_ = unwritable; }   // writes report an error
    void set_pace(Duration most);                               // the longest that one piece of work takes
    // Calls `act` in the middle of the `operations`-th write or sync of the log from now.
    void at_operation(std::uint64_t operations, std::move_only_function<void()> act);

    void heal();

    enum class Loss { none, unsynced };
    // Copies the folder as a crash at this moment would leave it.
    void snapshot(const std::string& to, Loss loss);

    // ---- segment::Disk ----
    int write_at(int fd, std::string_view bytes, std::uint64_t position) override;
    int sync_data(int fd) override;
    int sync_all(int fd) override;
    int preallocate(int fd, std::uint64_t bytes) override;

private:
    using FileNumber = std::uint64_t;
    struct Unsynced {
        std::uint64_t position;
        std::string before;         // what the file held there
    };
    static FileNumber number_of(int fd);
    int refused();
    int sync(int fd, int (storage::segment::Disk::*how)(int));
    void tear(const std::string& path, const std::vector<Unsynced>& writes);
    void count_operation();

    Schedule& schedule_;
    Trace& trace_;
    std::string name_;
    std::string folder_;
    SeededRandom dice_;
    std::shared_ptr<async::Worker> worker_;
    std::map<FileNumber, std::vector<Unsynced>> unsynced_;
    bool full_ = false;
    bool failing_ = false;
    bool unwritable_ = false;
    bool lying_ = false;
    std::shared_ptr<Duration> pace_;
    std::uint64_t operations_left_ = 0;
    std::move_only_function<void()> act_;
};

}  // namespace selvage::simulation
