#include "simulation/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

namespace selvage::simulation {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kUsualPace{2};

class DiskWorker final : public async::Worker {
public:
    DiskWorker(Schedule& schedule, std::shared_ptr<Duration> pace, std::uint64_t seed)
        : schedule_(schedule), pace_(std::move(pace)), dice_(seed) {}

    void run(std::move_only_function<void()> work) override {
        const auto time = Duration(1 + static_cast<std::int64_t>(dice_.fraction() * static_cast<double>(pace_->count())));
        last_ = std::max(last_, schedule_.now()) + time;
        schedule_.at(last_, std::move(work));
    }

private:
    Schedule& schedule_;
    std::shared_ptr<Duration> pace_;
    SeededRandom dice_;
    TimePoint last_{};
};

}  // namespace

Disk::Disk(Schedule& schedule, Trace& trace, std::string name, std::string folder, std::uint64_t seed)
    : schedule_(schedule),
      trace_(trace),
      name_(std::move(name)),
      folder_(std::move(folder)),
      dice_(seed),
      pace_(std::make_shared<Duration>(kUsualPace)) {
    fs::create_directories(folder_);
    worker_ = std::make_shared<DiskWorker>(schedule, pace_, seed + 1);
}

void Disk::set_pace(Duration most) { *pace_ = most; }

void Disk::heal() {
    full_ = failing_ = unwritable_ = false;
    act_ = nullptr;
    set_pace(kUsualPace);
}

void Disk::at_operation(std::uint64_t operations, std::move_only_function<void()> act) {
    operations_left_ = operations;
    act_ = std::move(act);
}

void Disk::count_operation() {
    if (!act_ || --operations_left_ > 0) return;
    auto act = std::exchange(act_, nullptr);
    act();
}

Disk::FileNumber Disk::number_of(int fd) {
    struct stat facts {};
    return ::fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

int Disk::write_at(int fd, std::string_view bytes, std::uint64_t position) {
    if (full_) return refused();
    if (unwritable_) {
        trace_.count(Effect::write_failed);
        return EIO;
    }
    Unsynced write{position, std::string(bytes.size(), '\0')};
    static_cast<void>(read_at(fd, write.before.data(), write.before.size(), position));
    unsynced_[number_of(fd)].push_back(std::move(write));
    const int error = storage::segment::Disk::write_at(fd, bytes, position);
    trace_.note(schedule_.now(), "write", name_, static_cast<std::int64_t>(position), bytes);
    count_operation();
    return error;
}

int Disk::sync(int fd, int (storage::segment::Disk::*how)(int)) {
    count_operation();
    if (failing_) {
        trace_.count(Effect::sync_failed);
        return EIO;
    }
    // Nothing here outlives the simulation, so the real sync would only cost time.
    static_cast<void>(how);
    if (!lying_) unsynced_.erase(number_of(fd));
    return 0;
}
int Disk::sync_data(int fd) { return sync(fd, &storage::segment::Disk::sync_data); }
int Disk::sync_all(int fd) { return sync(fd, &storage::segment::Disk::sync_all); }

int Disk::refused() {
    trace_.count(Effect::write_refused);
    return ENOSPC;
}

int Disk::preallocate(int fd, std::uint64_t bytes) {
    if (full_) return refused();
    // Zeros without blocks: reserving them costs more than all else that a small world does.
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) return errno;
    if (static_cast<std::uint64_t>(facts.st_size) >= bytes) return 0;
    return ::ftruncate(fd, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
}

// Each write stays, goes, or stays in part, as the dice say; in any order, as pages reach a disk.
void Disk::tear(const std::string& path, const std::vector<Unsynced>& writes) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    struct stat facts {};
    if (::fstat(fd, &facts) == 0) {
        for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
            const std::size_t kept = dice_.fraction() < 0.3   ? write->before.size()
                                     : dice_.fraction() < 0.5 ? 0
                                                              : dice_.next() % (write->before.size() + 1);
            if (kept < write->before.size()) trace_.count(kept == 0 ? Effect::write_lost : Effect::write_torn);
            std::string_view lost = std::string_view(write->before).substr(kept);
            const std::uint64_t at = write->position + kept;
            if (at >= static_cast<std::uint64_t>(facts.st_size)) continue;
            lost = lost.substr(0, static_cast<std::uint64_t>(facts.st_size) - at);
            static_cast<void>(storage::segment::Disk::write_at(fd, lost, at));
        }
    }
    ::close(fd);
}

void Disk::snapshot(const std::string& to, Loss loss) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
        const auto copy = fs::path(to) / fs::relative(entry.path(), folder_);
        if (entry.is_directory()) {
            fs::create_directories(copy);
            continue;
        }
        // SQLite makes its index of the write-ahead log anew.
        if (entry.path().string().ends_with("-shm")) continue;
        fs::create_directories(copy.parent_path());
        fs::copy_file(entry.path(), copy, fs::copy_options::overwrite_existing);
        if (loss == Loss::none) continue;
        struct stat facts {};
        if (::stat(entry.path().c_str(), &facts) != 0) continue;
        if (const auto writes = unsynced_.find(facts.st_ino); writes != unsynced_.end()) tear(copy.string(), writes->second);
    }
}

}  // namespace selvage::simulation
